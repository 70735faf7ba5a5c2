"""Which uplink a topic belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.uplinks.topics import TopicPattern, TopicTable

LETTER = st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/+#{}$")
LEVEL = st.text(LETTER, min_size=1)


def _table(*topics: str) -> TopicTable[str]:
    patterns = [(pattern, topic) for topic in topics if (pattern := TopicPattern.of(topic))]
    assert len(patterns) == len(topics)
    return TopicTable(patterns)


def test_named_levels_are_read_and_the_others_have_to_be_the_same() -> None:
    table = _table("sensors/{device}/up", "{town}/air/{device}")
    assert table.found("sensors/a1/up") == ("sensors/{device}/up", {"device": "a1"})
    assert table.found("nimes/air/7") == ("{town}/air/{device}", {"town": "nimes", "device": "7"})
    for other in ("sensors/a1/down", "sensors/a1", "sensors/a1/up/1", "sensors//up", ""):
        assert table.found(other) is None


def test_of_several_the_one_that_names_more_wins() -> None:
    table = _table("{any}/{device}/up", "sensors/{device}/up", "sensors/roof/up")
    assert table.found("sensors/roof/up") == ("sensors/roof/up", {})
    assert table.found("sensors/a/up") == ("sensors/{device}/up", {"device": "a"})
    assert table.found("x/a/up") == ("{any}/{device}/up", {"any": "x", "device": "a"})


def test_an_empty_level_is_a_level_of_its_own() -> None:
    table = _table("/sensors/{device}")
    assert table.found("/sensors/7") == ("/sensors/{device}", {"device": "7"})
    assert table.found("roof/sensors/7") is None


@pytest.mark.parametrize("topic", ["", "a/#", "a/+/b", "a/{x}b", "{x}/{x}", "$SYS/x", "a/{1}"])
def test_what_is_no_topic_of_an_uplink_is_told(topic: str) -> None:
    assert TopicPattern.of(topic) is None


@given(st.lists(LEVEL, min_size=1, max_size=6), st.data())
def test_any_topic_finds_the_pattern_that_was_made_of_it(
    levels: list[str], data: st.DataObject
) -> None:
    named = data.draw(st.sets(st.integers(0, len(levels) - 1)))
    topic = "/".join(f"{{n{place}}}" if place in named else one for place, one in enumerate(levels))
    found = _table(topic).found("/".join(levels))
    assert found == (topic, {f"n{place}": levels[place] for place in named})
