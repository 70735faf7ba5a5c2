"""Loads of hosts before and after, drawn; pure.

Each drawing is three paths, whatever the number of hosts, so that a page stays light.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from beffroi.capacity.model import Amounts, Resource
from beffroi.capacity.rebalanced import HostLoad, Rebalancing

HEIGHT: Final = 100
_HOST_WIDTH: Final = 10
_BAR_WIDTH: Final = 4
_HIGHEST_SHARE: Final = 2.0


class LoadPicture(msgspec.Struct, frozen=True):
    """What is taken of a resource of each host, the fullest first.

    Attributes:
        before: A bar per host.
        after: A bar beside each.
        limit: The height of all that may be used.
        highest_before: Share of the fullest host, 1 for all that may be used.
        highest_after: The same after the moves.
    """

    resource: Resource
    width: int
    before: str
    after: str
    limit: float
    highest_before: float
    highest_after: float


def load_pictures(made: Rebalancing, hosts: Sequence[HostLoad]) -> tuple[LoadPicture, ...]:
    """Draw each resource that somebody takes, for hosts that may be used at all."""
    return tuple(_picture(resource, hosts) for resource in made.resources)


def hosts_shown(made: Rebalancing, most: int) -> tuple[HostLoad, ...]:
    """Return the hosts that change, then the fullest, so many at most, the fullest first."""
    chosen = sorted(made.hosts, key=lambda one: (not one.changed, -fullest(one)))[:most]
    return tuple(sorted(chosen, key=lambda one: (-fullest(one), one.host)))


def fullest(one: HostLoad) -> float:
    """Return the highest share that is taken of a host before, over all resources."""
    return max(_share(one.before, one, resource) for resource in Resource)


def _picture(resource: Resource, hosts: Sequence[HostLoad]) -> LoadPicture:
    shares = sorted(
        ((_share(one.before, one, resource), _share(one.after, one, resource)) for one in hosts),
        reverse=True,
    )
    highest_before = max((was for was, _ in shares), default=0.0)
    highest_after = max((will for _, will in shares), default=0.0)
    top = min(_HIGHEST_SHARE, max(1.0, highest_before, highest_after)) * 1.05
    befores, afters = [], []
    for place, (was, will) in enumerate(shares):
        left = place * _HOST_WIDTH + 1
        befores.append(_bar(left, was / top))
        afters.append(_bar(left + _BAR_WIDTH, will / top))
    return LoadPicture(
        resource=resource,
        width=len(shares) * _HOST_WIDTH,
        before="".join(befores),
        after="".join(afters),
        limit=HEIGHT * (1 - 1 / top),
        highest_before=highest_before,
        highest_after=highest_after,
    )


def _bar(left: int, share: float) -> str:
    height = round(HEIGHT * min(1.0, share), 1)
    return f"M{left} {HEIGHT}v-{height:g}h{_BAR_WIDTH}v{height:g}z" if height else ""


def _share(amounts: Amounts, one: HostLoad, resource: Resource) -> float:
    place = tuple(Resource).index(resource)
    usable = tuple(one.usable)[place]
    return tuple(amounts)[place] / usable if usable else 0.0
