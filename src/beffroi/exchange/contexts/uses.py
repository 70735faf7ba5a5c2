"""How often @contexts are used: counted in memory, written now and then."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec


class Uses(msgspec.Struct, frozen=True):
    """Uses of one @context since they were last written."""

    hits: int
    last_at: datetime


class UseCounter:
    """Uses that are not written yet.

    Attributes:
        any: Set while there are some.
    """

    def __init__(self) -> None:
        self.any = asyncio.Event()
        self._uses: dict[str, Uses] = {}

    def add(self, ids: Iterable[str], at: datetime, hits: int = 1) -> None:
        """Count uses of @contexts."""
        for one in ids:
            held = self._uses.get(one)
            self._uses[one] = (
                Uses(hits, at) if held is None else Uses(held.hits + hits, max(held.last_at, at))
            )
            self.any.set()

    def of(self, context_id: str) -> Uses | None:
        """Return what is not written yet of one."""
        return self._uses.get(context_id)

    def taken(self) -> Mapping[str, Uses]:
        """Hand all out, in the order of their ids, and start at nothing."""
        uses = {one: self._uses[one] for one in sorted(self._uses)}
        self._uses.clear()
        self.any.clear()
        return uses

    def give_back(self, uses: Mapping[str, Uses]) -> None:
        """Count again what could not be written."""
        for one, held in uses.items():
            self.add([one], held.last_at, held.hits)
