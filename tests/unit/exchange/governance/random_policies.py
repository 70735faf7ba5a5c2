"""Random policies of two towns that meet random entities of theirs often."""

import msgspec
from hypothesis import strategies as st

from beffroi.exchange.governance.declared import Policy, Showing
from beffroi.exchange.governance.granting import Grant, grant_of
from tests.unit.exchange.query.random_questions import NAMES, TYPES

OWNERS = ("arras", "lens", "liévin")
KEY = b"k" * 32
_AREAS = (
    None,
    {"type": "Polygon", "coordinates": [[[-2, -1], [3, -1], [3, 51], [-2, 51], [-2, -1]]]},
    {
        "type": "MultiPolygon",
        "coordinates": [
            [[[0, 0], [180, 0], [180, 90], [0, 90], [0, 0]], [[1, 1], [3, 1], [3, 60], [1, 1]]],
            [[[-180, -90], [-1, -90], [-1, 0], [-180, 0], [-180, -90]]],
        ],
    },
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    showing = draw(st.sampled_from((Showing.PLAIN, Showing.PLAIN, Showing.PSEUDONYMS)))
    some = st.lists(st.sampled_from((*NAMES, "location")), max_size=3, unique=True).map(tuple)
    kinds = tuple("https://example.org/" + one for one in TYPES)
    return Policy(
        name="p",
        to=("asker",),
        types=tuple(draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=2, unique=True))),
        attributes=draw(some),
        area=draw(st.sampled_from(_AREAS)),
        showing=showing,
        pseudonymised=draw(some) if showing is Showing.PSEUDONYMS else (),
    )


@st.composite
def grants(draw: st.DrawFn) -> tuple[Grant, ...]:
    given = draw(st.lists(st.tuples(st.sampled_from(OWNERS), policies()), max_size=4))
    compiled = [grant_of(owner, policy, None) for owner, policy in given]
    return tuple(_keyed(one) for one in compiled)


def _keyed(grant: Grant) -> Grant:
    return msgspec.structs.replace(grant, key=KEY)
