"""What measures change of an entity, and what they leave to its history."""

from datetime import UTC, datetime, timedelta

from beffroi.exchange.measures import joined
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Json

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LEVEL, PLACE = "urn:level", "urn:place"


def told(value: Json, minute: int | None = None) -> Attribute:
    at = None if minute is None else NOW + timedelta(minutes=minute)
    return Attribute(kind=AttributeKind.PROPERTY, value=value, observed_at=at)


def gauge(**attributes: Attribute) -> Entity:
    held: dict[str, tuple[Attribute, ...]] = {
        f"urn:{name}": (one,) for name, one in attributes.items()
    }
    return Entity(id="urn:x:a", types=("urn:T",), attributes=held)


def test_what_a_late_message_says_beside_its_measures_is_old_as_well() -> None:
    held = gauge(level=told(1, 5), place=told("bridge"))
    entity, late = joined(held, [(LEVEL, told(2, 3)), (PLACE, told("depot"))], NOW)
    assert entity is held
    assert [(one.attribute, one.instance.value) for one in late] == [(LEVEL, 2)]


def test_what_comes_again_is_the_same_entity() -> None:
    held = gauge(level=told(1, 5), place=told("bridge"))
    assert joined(held, [(LEVEL, told(1, 5)), (PLACE, told("bridge"))], NOW) == (held, ())


def test_news_change_what_they_tell_and_no_more() -> None:
    held = gauge(level=told(1, 5), place=told(1))
    entity, late = joined(held, [(LEVEL, told(2, 6)), (PLACE, told(value=True))], NOW)
    values = [entity.attributes[name][0].value for name in (LEVEL, PLACE)]
    assert (values, late) == ([2, True], ())
    assert values[1] is True
