"""What a group of changes adds to history, column by column, as PostgreSQL receives it."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from beffroi.exchange.changes import number_of
from beffroi.exchange.model import Attribute, Iri
from beffroi.kernel.database.columns import (
    Column,
    EncodedTexts,
    Numbers,
    Texts,
    Times,
    Truths,
    often_alike,
)


class HistoryColumns:
    """Instances of attributes as they were, in the order added.

    Args:
        now: When all of it is written.
    """

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._tenants: list[str] = []
        self._organisations: list[str] = []
        self._entities: list[str] = []
        self._attributes: list[Iri] = []
        self._instances: list[Attribute] = []
        self._ended: set[int] = set()
        self._said: list[bytes] = []

    def __len__(self) -> int:
        return len(self._instances)

    def add(
        self,
        key: tuple[str, str],
        organisation: str,
        attributes: Sequence[Iri],
        instances: Sequence[Attribute],
        said: Iterable[bytes],
    ) -> None:
        """Add instances of one entity.

        Args:
            key: The tenant and the id of the entity.
            organisation: Whose it is.
            attributes: Of which each is an instance.
            instances: So since they were observed, or else since now.
            said: The instances without their times, as JSON.
        """
        count = len(instances)
        tenant, entity = key
        self._tenants += [tenant] * count
        self._organisations += [organisation] * count
        self._entities += [entity] * count
        self._attributes += attributes
        self._instances += instances
        self._said += said

    def end(self, place: int) -> None:
        """Say that an instance was deleted, by its place among all."""
        self._ended.add(place)

    def parameters(self) -> tuple[object, ...]:
        """Return what the statement that adds them asks for."""
        now, ended, instances = self._now, self._ended, self._instances
        at = [one.observed_at or now for one in instances]
        for place in ended:
            at[place] = now
        alike = often_alike(
            (Texts, self._tenants),
            (Texts, self._organisations),
            (Texts, [one.dataset_id for one in instances]),
            (Times, [now]),
            (Truths, [place in ended for place in range(len(at))] if ended else [False]),
            (Times, at),
            (Times, [one.created_at for one in instances]),
            (Times, [one.modified_at for one in instances]),
        )
        own: tuple[Column, ...] = (
            Texts(self._entities),
            Texts(self._attributes),
            Numbers([number_of(one) for one in instances]),
            EncodedTexts(self._said),
        )
        return (*alike, *own)
