"""Sending a feed to a platform so that all of it is there once, however often it is sent."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from beffroi.exchange.feeds.late import (
    NO_ATTRIBUTES,
    AskedPlatform,
    late_part,
    media_type_of,
    observed_at,
    record_late,
)
from beffroi.exchange.feeds.spool import Spool, SpooledRow

BATCH: Final = 500
_DOOR: Final = "/ngsi-ld/v1/entityOperations"
_VALUES: Final = ("type", "value", "object", "unitCode")


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that the platform refused, and what it said."""

    line: int
    id: str
    why: str


class Tally(msgspec.Struct):
    """What became of the rows that were sent.

    Attributes:
        late: Rows older than what the platform has; they joined its history.
        known: Rows that told nothing which the platform did not have.
    """

    created: int = 0
    updated: int = 0
    late: int = 0
    known: int = 0
    refused: list[RefusedRow] = []


class _Refusal(msgspec.Struct):
    detail: str = ""
    remedy: str = ""


class _Failed(msgspec.Struct, rename="camel"):
    entity_id: str
    error: _Refusal


class _Outcome(msgspec.Struct):
    errors: list[_Failed] = []


def send(spool: Spool, platform: AskedPlatform, told: Callable[[int], None]) -> Tally:
    """Send rows in the order of time.

    Before each batch the platform is asked what it has of the entities: measures older than the
    one it has join the history where they are missing there, and what would change nothing is
    left out.

    Args:
        spool: The rows.
        platform: Whom to.
        told: Is told how many rows are done, batch by batch.
    """
    tally = Tally()
    for batch in spool.batches(BATCH):
        send_rows(batch, platform, tally)
        told(len(batch))
    return tally


def send_rows(batch: Sequence[SpooledRow], platform: AskedPlatform, tally: Tally) -> None:
    """Send some rows of one feed, in their order.

    Args:
        batch: The rows.
        platform: Whom to.
        tally: Where it is noted what became of them.
    """
    held = _held(batch, platform)
    known, before = frozenset(held), set(held)
    sent: list[SpooledRow] = []
    older: list[SpooledRow] = []
    for row in batch:
        has = held.setdefault(row.id, {})
        news = _news(row.document, has)
        if news is None and row.id in before:
            late = late_part(row.document, has)
            if late is None:
                tally.known += 1
            else:
                older.append(msgspec.structs.replace(row, document=late))
            continue
        before.add(row.id)
        sent.append(msgspec.structs.replace(row, document=news or row.document))
        held[row.id].update(news or row.document)
    if older:
        late_rows = record_late(older, platform)
        tally.late += late_rows
        tally.known += len(older) - late_rows
    if not sent:
        return
    answer = platform.ask(
        "POST",
        f"{_DOOR}/upsert?options=update",
        list[str] | _Outcome | None,
        [row.document for row in sent],
        media_type=media_type_of(sent),
    )
    refused = answer.errors if isinstance(answer, _Outcome) else []
    _count(sent, known, refused, tally)


def _count(
    sent: Sequence[SpooledRow], known: frozenset[str], refused: Sequence[_Failed], tally: Tally
) -> None:
    lines = {row.id: row.line for row in reversed(sent)}
    tally.refused += [
        RefusedRow(lines[one.entity_id], one.entity_id, f"{one.error.detail} {one.error.remedy}")
        for one in refused
    ]
    created = len(lines.keys() - known - {one.entity_id for one in refused})
    tally.created += created
    tally.updated += len(sent) - created - len(refused)


def _held(batch: Sequence[SpooledRow], platform: AskedPlatform) -> dict[str, dict[str, Any]]:
    """Ask what the platform has of the entities of a batch."""
    ids = list(dict.fromkeys(row.id for row in batch))
    first = batch[0].document
    query = {
        "type": "Query",
        "entities": [{"id": one, "type": first["type"]} for one in ids],
    }
    if "@context" in first:
        query["@context"] = first["@context"]
    path = f"{_DOOR}/query?limit={BATCH}"
    found = platform.ask("POST", path, list[dict[str, Any]], query, media_type=media_type_of(batch))
    return {one["id"]: one for one in found}


def _news(document: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what of an entity the platform does not have yet; nothing where it has all.

    Of a row whose measures are old news, what else it says is old as well.
    """
    told = {name: value for name, value in document.items() if name not in NO_ATTRIBUTES}
    news = {name: value for name, value in told.items() if not _is_known(value, held.get(name))}
    is_measured = any("observedAt" in value for value in told.values())
    if not news or (is_measured and not any("observedAt" in one for one in news.values())):
        return None
    return {name: document[name] for name in NO_ATTRIBUTES & document.keys()} | news


def _is_known(told: Mapping[str, Any], held: Any) -> bool:  # noqa: ANN401 - JSON
    if not isinstance(held, dict):
        return False
    if "observedAt" not in told:
        return all(told.get(name) == held.get(name) for name in _VALUES)
    if "observedAt" not in held:
        return False
    return observed_at(held) >= observed_at(told)
