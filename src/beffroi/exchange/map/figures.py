"""Clusters as they are drawn on a map; pure."""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.exchange.map.view import CELL, Cluster, MapView

_DOT: Final = 9
_WIDEST: Final = 44
_PER_TENFOLD: Final = 6.5


class Circle(msgspec.Struct, frozen=True):
    """A cluster on the map; a tenfold number of entities is a little wider."""

    cluster: Cluster
    x: int
    y: int
    radius: int


def apart(found: Sequence[Cluster], view: MapView) -> list[Cluster]:
    """Join clusters that would hide one another, each into the larger; the fullest come first."""
    kept: list[Cluster] = []
    for one in sorted(found, key=lambda cluster: -cluster.entities):
        hidden_by = next(
            (place for place, other in enumerate(kept) if _hide(one, other, view)), None
        )
        if hidden_by is None:
            kept.append(one)
        else:
            kept[hidden_by] = _joined(kept[hidden_by], one)
    return kept


def circles(found: Sequence[Cluster], view: MapView) -> list[Circle]:
    """Draw clusters in their order."""
    return [
        Circle(
            one,
            round((one.longitude - view.west) / view.cell_width * CELL),
            round((view.north - one.latitude) / view.cell_height * CELL),
            _radius(one),
        )
        for one in found
    ]


def _radius(cluster: Cluster) -> int:
    return min(_WIDEST, round(_DOT + _PER_TENFOLD * math.log10(cluster.entities)))


def _hide(one: Cluster, other: Cluster, view: MapView) -> bool:
    across = (one.longitude - other.longitude) / view.cell_width * CELL
    down = (one.latitude - other.latitude) / view.cell_height * CELL
    return math.hypot(across, down) < _radius(one) + _radius(other)


def _joined(larger: Cluster, smaller: Cluster) -> Cluster:
    entities = larger.entities + smaller.entities
    share = smaller.entities / entities
    return msgspec.structs.replace(
        larger,
        entities=entities,
        longitude=larger.longitude + share * (smaller.longitude - larger.longitude),
        latitude=larger.latitude + share * (smaller.latitude - larger.latitude),
    )
