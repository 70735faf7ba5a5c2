"""Real car parks, as entities in the order in which they reported."""

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import LOCATION, Attribute, AttributeKind, Entity

TYPE = CORE.expand("OffStreetParking")
TAKEN = CORE.expand("occupiedSpotNumber")
OCCUPANCY = CORE.expand("occupancy")
_FILE = Path(__file__).parent / "birmingham_car_parks.csv"
_NOWHERE = {"type": "Point", "coordinates": [-1.9, 52.48]}


def reports(after: datetime, until: datetime) -> Iterator[tuple[datetime, Entity]]:
    """Give each report as the entity that it makes, with its time."""
    with _FILE.open(encoding="utf-8") as lines:
        next(lines)
        for row in csv.DictReader(lines):
            at = datetime.fromisoformat(row["at"]).replace(tzinfo=UTC)
            if after < at <= until:
                yield at, car_park(row["code"], at, int(row["taken"]), int(row["capacity"]))


def car_park(code: str, at: datetime, taken: int, capacity: int) -> Entity:
    """Make a car park that reported."""

    def measured(value: float) -> tuple[Attribute, ...]:
        kind = AttributeKind.PROPERTY
        return (Attribute(kind=kind, value=value, observed_at=at, modified_at=at),)

    return Entity(
        id=f"urn:ngsi-ld:OffStreetParking:{code.replace(' ', '-')}",
        types=(TYPE,),
        attributes={
            TAKEN: measured(taken),
            OCCUPANCY: measured(taken / capacity),
            CORE.expand("totalSpotNumber"): (
                Attribute(kind=AttributeKind.PROPERTY, value=capacity, modified_at=at),
            ),
            LOCATION: (Attribute(kind=AttributeKind.GEO_PROPERTY, value=_NOWHERE, modified_at=at),),
        },
        created_at=at,
        modified_at=at,
    )
