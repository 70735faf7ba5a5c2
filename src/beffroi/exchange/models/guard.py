"""What looks at each write on its way: whether it fits what is declared, and who feeds what."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Entity, Iri
from beffroi.exchange.models.conformity import Model, Unfit
from beffroi.exchange.models.rules import rules_by_group
from beffroi.exchange.models.store import Feeder, GroupKey, HeldModel
from beffroi.kernel.clock import Clock

_FEEDERS_MOST: Final = 20_000


class UnfitError(BadRequestDataError):
    """What was to be written does not fit the model of its type."""


class _Judge(msgspec.Struct, frozen=True, eq=False):
    model: Model
    refuses: bool


class _Fed(msgspec.Struct):
    writes: int = 0
    unfit: int = 0
    refused: int = 0


class Guard:
    """Judges entities before they are written, by what was last told to ``renew``.

    Where nothing is declared for a type, that takes one look into a dictionary.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._judges: Mapping[GroupKey, _Judge] = {}
        self._fed: dict[tuple[str, str, Iri, str], _Fed] = {}

    def renew(self, held: Iterable[HeldModel]) -> None:
        """Judge by these declarations from now on."""
        self._judges = {
            key: _Judge(rules.model, rules.refuses)
            for key, rules in rules_by_group(held).items()
            if rules.model is not None
        }

    def passes(
        self, tenant: str, organisation: str, account: str, before: Entity | None, after: Entity
    ) -> None:
        """Look at an entity that is to be written.

        Args:
            tenant: Whose.
            organisation: The owner.
            account: Who writes.
            before: As it is.
            after: As it is to be.

        Raises:
            UnfitError: It does not fit the model of its type, whose owner has such refused.
        """
        if before is after:
            return
        for iri in after.types:
            fed = self._fed.get((tenant, organisation, iri, account)) or self._new(
                (tenant, organisation, iri, account)
            )
            fed.writes += 1
            judge = self._judges.get((tenant, organisation, iri))
            if judge is None or judge.model.fits(after):
                continue
            if not judge.refuses:
                fed.unfit += 1
                continue
            fed.writes -= 1
            fed.refused += 1
            raise unfit_error(after.id, judge.model, judge.model.unfit(after)[0])

    def taken_feeders(self) -> list[Feeder]:
        """Return what was written since the last time, and forget it."""
        fed, self._fed = self._fed, {}
        now = self._clock.now()
        return [
            Feeder(
                tenant=tenant,
                organisation=organisation,
                type=iri,
                account=account,
                writes=one.writes,
                unfit=one.unfit,
                refused=one.refused,
                last_at=now,
            )
            for (tenant, organisation, iri, account), one in fed.items()
        ]

    def _new(self, key: tuple[str, str, Iri, str]) -> _Fed:
        if len(self._fed) >= _FEEDERS_MOST:
            self._fed.clear()
        return self._fed.setdefault(key, _Fed())


def unfit_error(entity_id: str, model: Model, found: Unfit) -> UnfitError:
    """Tell where an entity does not fit."""
    told = {"id": entity_id, "pointer": found.pointer, "model": model.name}
    if found.missing:
        return UnfitError("exchange.model_lacks", **told)
    return UnfitError("exchange.model_unfit", **told, value=found.found, expected=found.expected)
