"""Declarations kept: what a file says an organisation's flows and rules are to be."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from beffroi.exchange.declared import ExchangeFile
from beffroi.exchange.flows.errors import DeclarationRefusedError
from beffroi.exchange.flows.model import COMPANION_MOST_BYTES, DeclarationChange
from beffroi.kernel.database import Connection, Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.rights.model import Actor, Permission

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class GivenDeclarations(msgspec.Struct, frozen=True, kw_only=True):
    """A file of declarations as it is handed over.

    Attributes:
        source: Name of the file; what it declared before and does no more, ends.
        declared: What it holds.
        files: What the files beside it hold that its flows need, by name.
        organisation: Whose; the asker's own where it is left out.
    """

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    declared: ExchangeFile
    files: Mapping[str, bytes] = {}
    organisation: Annotated[str, Meta(max_length=100)] = ""


class DeclarationKeeper(Protocol):
    """Keeps some sections of declarations."""

    async def compare(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> Sequence[DeclarationChange]:
        """Tell what keeping them would change.

        Raises:
            BeffroiError: They cannot be kept.
        """
        ...

    async def keep(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> None:
        """Keep them in the place of what the same file declared before."""
        ...


_DECIDED: Final = frozenset({"treatment", "policy"})
"""What managers decide on, as its own routes have it; others may declare what carries data."""


class Declarations:
    """The verbs on a file of declarations; what each section means is its keeper's."""

    def __init__(self, database: Database, keepers: Sequence[DeclarationKeeper]) -> None:
        self._database = database
        self._keepers = keepers

    async def difference(
        self, actor: Actor, given: GivenDeclarations
    ) -> Sequence[DeclarationChange]:
        """Tell what applying would change; change nothing."""
        organisation = _checked(actor, given)
        async with self._database.transaction(EVERYTHING) as connection:
            return await self._compared(connection, organisation, given)

    async def apply(self, actor: Actor, given: GivenDeclarations) -> Sequence[DeclarationChange]:
        """Keep all sections in one commit, or none.

        Raises:
            DeclarationRefusedError: A name is not its entry's, a file is too large, or a text holds
            what cannot be kept.
            FlowNameTakenError: Another file declares a flow of the same name.
        """
        organisation = _checked(actor, given)
        async with self._database.transaction(EVERYTHING) as connection:
            changes = await self._compared(connection, organisation, given)
            if any(one.noun in _DECIDED for one in changes):
                actor.require(Permission.HOST, organisation)
            if changes:
                for keeper in self._keepers:
                    await keeper.keep(connection, organisation, given)
            return changes

    async def _compared(
        self, connection: Connection, organisation: str, given: GivenDeclarations
    ) -> list[DeclarationChange]:
        return [
            change
            for keeper in self._keepers
            for change in await keeper.compare(connection, organisation, given)
        ]


def _checked(actor: Actor, given: GivenDeclarations) -> str:
    organisation = given.organisation or actor.organisation
    actor.require(Permission.WRITE_DATA, organisation)
    if _NUL.search(msgspec.json.encode(given.declared)):
        raise DeclarationRefusedError("kernel.text_not_storable")
    for name, content in given.files.items():
        if len(content) > COMPANION_MOST_BYTES:
            raise DeclarationRefusedError(
                "exchange.flow_file_too_large", name=name, most=COMPANION_MOST_BYTES
            )
    for section in given.declared.__struct_fields__:
        entries: Mapping[str, ExchangeFile] = getattr(given.declared, section)
        for name, entry in entries.items():
            if getattr(entry, "name", name) != name:
                raise DeclarationRefusedError("exchange.flow_other_name", name=name)
    return organisation
