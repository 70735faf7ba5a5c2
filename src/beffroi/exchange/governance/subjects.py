"""A person's rights: what is held about them handed over, or erased.

Source: regulation (EU) 2016/679 (GDPR), articles 15, 17 and 20.
"""

import hmac
import io
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance import journal_store, rule_store, subject_store
from beffroi.exchange.governance.errors import SubjectRefusedError
from beffroi.exchange.governance.journal import AccessJournal
from beffroi.exchange.governance.mentions import Mention
from beffroi.exchange.governance.rules import Rules
from beffroi.exchange.governance.subject_store import Asked
from beffroi.exchange.model import Attribute, Entity, Json
from beffroi.exchange.representation.writing import Form, written
from beffroi.exchange.retention.correcting import (
    Touched,
    attributes_with_figures,
    figures_in_step,
)
from beffroi.exchange.service import Exchange, Wish, deletion
from beffroi.exchange.store import HeldEntity
from beffroi.exchange.subscriptions.model import Occasion
from beffroi.kernel.database import Connection, Database, execute
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.log.erasing import allow_erasing, entries_with, rewrite
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.kernel.secrets import SealingKey

_SHORTEST: Final = 5
_LOG_BATCH: Final = 200
_ACCESSES_MOST: Final = 10_000
_FULL: Final = Form(sys_attrs=True)
_SEARCHED: Final[Mapping[str, tuple[str, ...]]] = {
    "subscription": ("document",),
    "flow_refused": ("facts", "told", "content"),
}
"""Tables whose rows go when they tell of a person, and where they may."""


class Erasure(msgspec.Struct, frozen=True):
    """What an erasure came to.

    Attributes:
        mark: What stands in the place of the identifier where a row had to stay.
        counts: How much was erased, by what it was.
        left: Tables in which the identifier still stands, as far as the asker may see them.
    """

    mark: str
    counts: Mapping[str, int]
    left: Sequence[str]


class Subjects:
    """Exports and erases what organisations hold about persons."""

    def __init__(
        self,
        database: Database,
        exchange: Exchange,
        rules: Rules,
        journal: AccessJournal,
        key: SealingKey,
    ) -> None:
        self._database = database
        self._exchange = exchange
        self._rules = rules
        self._journal = journal
        self._key = key

    async def export(self, actor: Actor, identifier: str) -> bytes:
        """Return what is held about a person, as a ZIP archive of JSON files."""
        asked, mention = _asked(actor, identifier)
        personal = (await self._rules.personal()).keys()
        async with self._database.transaction(EVERYTHING) as connection:
            await subject_store.take_time(connection)
            found = [
                (tenant, held)
                for tenant, held in await subject_store.entities(connection, asked)
                if held.entity.id == identifier
                or (_is_personal(held, personal) and _tells(mention, held.entity))
            ]
            of_persons = {(tenant, held.entity.id) for tenant, held in found}
            past = [
                row
                for row in await subject_store.history(connection, asked)
                if row[1] == identifier
                or ((row[0], row[1]) in of_persons and mention.within(_json(row[7])))
            ]
            accesses = await journal_store.accesses_to(
                connection, identifier, asked.parameters["owner"], _ACCESSES_MOST
            )
            register = await rule_store.treatments(connection, asked.parameters["owner"])
        for tenant, held in found:
            await self._journal.note(actor, tenant, "export", [(held.organisation, held.entity)])
        return _archive(
            {
                "entities.json": [
                    {"tenant": tenant, **written(held.entity, CORE, _FULL)}
                    for tenant, held in found
                ],
                "history.json": [_past(row) for row in past],
                "accesses.json": [msgspec.to_builtins(one) for one in accesses],
                "register.json": [msgspec.to_builtins(one.treatment) for one in register],
            }
        )

    async def erase(self, actor: Actor, identifier: str) -> Erasure:
        """Erase a person from entities, history, log, notifications and journals.

        Run again, it goes on where it was cut off.
        """
        asked, mention = _asked(actor, identifier)
        mark = self._mark(identifier)
        counts = {"entities": await self._erase_entities(actor, asked, mention)}
        async with self._database.transaction(EVERYTHING) as connection:
            await subject_store.take_time(connection)
            await allow_erasing(connection)
            await subject_store.hold_followers(connection)
            counts["history"], ids = await _erase_history(connection, asked, mention)
            counts["evolutions"] = await subject_store.forget_evolutions(connection, asked)
            counts["figures"] = await subject_store.forget_named(connection, asked)
            counts["log"] = await _erase_log(connection, asked, mention, mark)
            counts["notifications"] = await _erase_occasions(connection, asked, mention, ids)
            for table, columns in _SEARCHED.items():
                counts[table] = await _erase_rows(connection, table, columns, asked, mention)
            counts["accesses"] = await subject_store.rename_accesses(
                connection, asked, mark, mention.pattern
            )
            await execute(
                connection,
                "insert into exchange.erasure (organisation, actor, mark, counts) "
                "values (%s, %s, %s, %s::jsonb)",
                (actor.organisation, actor.name, mark, msgspec.json.encode(counts).decode()),
            )
        async with self._database.transaction(actor.scope) as connection:
            await subject_store.take_time(connection)
            left = await subject_store.tables_with(connection, mention.written)
        return Erasure(mark, counts, left)

    async def _erase_entities(self, actor: Actor, asked: Asked, mention: Mention) -> int:
        async with self._database.transaction(EVERYTHING) as connection:
            await subject_store.take_time(connection)
            candidates = await subject_store.entities(connection, asked)
        changed = 0
        for tenant, held in candidates:
            entity = held.entity
            if entity.id == mention.identifier:
                outcomes = await self._exchange.carry_out(actor, tenant, [deletion(entity.id)])
                changed += outcomes[0] is None
            elif _tells(mention, entity):
                wish = Wish(entity.id, partial(_less, mention), is_judged=False)
                outcomes = await self._exchange.carry_out(actor, tenant, [wish])
                changed += outcomes[0] is None
        return changed

    def _mark(self, identifier: str) -> str:
        key = bytes.fromhex(self._key.derived("exchange erasures").reveal())
        return f"erased:{hmac.digest(key, identifier.encode(), 'sha256')[:16].hex()}"


def _asked(actor: Actor, identifier: str) -> tuple[Asked, Mention]:
    owner = None if actor.scope.everything else actor.organisation
    actor.require(Permission.HOST, actor.organisation)
    if len(identifier) < _SHORTEST:
        raise SubjectRefusedError("exchange.subject_too_short", least=_SHORTEST)
    mention = Mention(identifier)
    return Asked(identifier, mention.written, owner), mention


def _less(mention: Mention, held: Entity | None) -> Entity | None:
    return None if held is None else mention.entity_without(held)


def _is_personal(held: HeldEntity, personal: Any) -> bool:  # noqa: ANN401 - keys of a mapping
    return any((held.organisation, kind) in personal for kind in held.entity.types)


def _tells(mention: Mention, entity: Entity) -> bool:
    return any(
        mention.told_by(one) for instances in entity.attributes.values() for one in instances
    )


async def _erase_history(
    connection: Connection, asked: Asked, mention: Mention
) -> tuple[int, frozenset[str]]:
    """Erase what was so; return how much that was, and of which entities."""
    rows = await subject_store.history(connection, asked)
    gone = [
        (row[0], row[1], row[6])
        for row in rows
        if row[1] == mention.identifier or mention.within(_json(row[7]))
    ]
    async with AsyncExitStack() as following:
        for tenant, entity in sorted({(one[0], one[1]) for one in gone}):
            names = await attributes_with_figures(connection, tenant, entity)
            touched = Touched(tenant, entity, names)
            await following.enter_async_context(figures_in_step(connection, touched))
        count = await subject_store.forget_history(connection, gone)
    return count, frozenset(one[1] for one in gone)


async def _erase_occasions(
    connection: Connection, asked: Asked, mention: Mention, ids: frozenset[str]
) -> int:
    """Erase what waits to be told of entities; of others' entities it stays."""
    places = []
    for place, content in await subject_store.texts_of(connection, "occasion", ["content"], asked):
        if not mention.within(content):
            continue
        told = msgspec.json.decode(content, type=Occasion).entities
        if asked.parameters["owner"] is None or not ids.isdisjoint(one.id for one in told):
            places.append(place)
    return await subject_store.forget_rows(connection, "occasion", places)


async def _erase_log(connection: Connection, asked: Asked, mention: Mention, mark: str) -> int:
    owner, after, changed = asked.parameters["owner"], 0, 0
    while True:
        entries = await entries_with(
            connection, mention.written, owner, after=after, limit=_LOG_BATCH
        )
        for entry in entries:
            after = entry.seq
            if not mention.within(entry.body) and not mention.within(entry.subject):
                continue
            subject = mark if mention.within(entry.subject) else entry.subject
            await rewrite(connection, entry.seq, subject, _body_without(entry.body, mention))
            changed += 1
        if len(entries) < _LOG_BATCH:
            return changed


def _body_without(body: dict[str, Any], mention: Mention) -> dict[str, Any]:
    """Take out what tells of a person: changes and other items of lists, and whole members."""
    left: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, list):
            left[name] = [one for one in value if not mention.within(one)]
        elif not mention.within(value):
            left[name] = value
    return left


async def _erase_rows(
    connection: Connection, table: str, columns: Sequence[str], asked: Asked, mention: Mention
) -> int:
    rows = await subject_store.texts_of(connection, table, columns, asked)
    places = [row[0] for row in rows if any(mention.within(one) for one in row[1:] if one)]
    return await subject_store.forget_rows(connection, table, places)


def _past(row: tuple[Any, ...]) -> Json:
    tenant, entity, attribute, at, written_at, ended, _, instance = row
    return {
        "tenant": tenant,
        "entity": entity,
        "attribute": CORE.compact(attribute),
        "at": at.isoformat(),
        "writtenAt": written_at.isoformat(),
        "ended": ended,
        "value": msgspec.json.decode(instance, type=Attribute).value,
    }


def _json(text: str) -> Json:
    return msgspec.json.decode(text)


def _archive(files: Mapping[str, Json]) -> bytes:
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, msgspec.json.format(msgspec.json.encode(content)))
    return made.getvalue()
