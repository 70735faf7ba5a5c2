"""A page of what is sorted is that part of all of it, however many there are."""

from beffroi.exchange.asking import finding
from beffroi.exchange.asking.question import Question, SqlFilter, Window
from beffroi.exchange.asking.reach import EVERYWHERE, Realm
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from tests.integration.exchange.asking.conftest import Town
from tests.unit.exchange.query.random_questions import NOW

_MANY = 1_300
_BEST = 7


def _bus(place: int) -> Entity:
    speed = Attribute(kind=AttributeKind.PROPERTY, value=place * 7919 % 101)
    return Entity(
        id="urn:bus:",
        types=("Bus",),
        attributes={"speed": (speed,)},
        created_at=NOW,
        modified_at=NOW,
    )


def _speed(entity: Entity) -> list[int]:
    return [entity.attributes["speed"][0].value]


async def test_a_page_of_what_is_sorted_is_that_part_of_all(town: Town) -> None:
    buses = [_bus(place) for place in range(_MANY)]
    expected = [
        f"urn:bus:{place}" for place in sorted(range(_MANY), key=lambda place: _speed(buses[place]))
    ]
    question = Question(asked=SqlFilter("true"), wanted=lambda _: True, rank=_speed)
    async with town([("arras", one) for one in buses]) as connection:
        for offset in (0, 3, 1_000, _MANY - 2, _MANY + 5):
            page = await finding.page_of(
                connection,
                Realm("", EVERYWHERE),
                question,
                Window(offset, _BEST, count=True),
                NOW,
            )
            assert [one.id for one in page.entities] == expected[offset : offset + _BEST]
            assert page.count == _MANY
            assert page.more is (offset + _BEST < _MANY)
