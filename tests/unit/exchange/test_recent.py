"""What the writer remembers of entities: never more than asked, never another version."""

from hypothesis import given
from hypothesis import strategies as st
from psycopg import AsyncConnection, pq

from beffroi.exchange.model import Entity
from beffroi.exchange.store import FoundEntity, HeldEntity
from beffroi.exchange.writing.recent import RecentEntities


def _held(name: str) -> HeldEntity:
    return HeldEntity("town", 1, Entity(id=name, types=("a:b",)))


_FOUND = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(1, 2_000)), min_size=1, max_size=60
)


@given(_FOUND)
def test_documents_remembered_stay_within_their_bound(found: list[tuple[str, int]]) -> None:
    recent, sizes = RecentEntities(most_bytes=3_000), {}
    for name, size in found:
        sizes[name] = size
        recent.completed({("", name): FoundEntity("7", size, _held(name))})
        remembered = recent.versions([("", one) for one in "abcdef"])
        assert sum(sizes[one] for _, one in remembered) <= 3_000
        assert ("", name) in remembered


def test_large_documents_are_left_to_postgresql() -> None:
    recent = RecentEntities()
    recent.completed({("", "a"): FoundEntity("7", 20_000, _held("a"))})
    assert recent.versions([("", "a")]) == {}


def test_one_that_grew_by_its_changes_is_read_anew() -> None:
    recent = RecentEntities()
    recent.completed({("", "a"): FoundEntity("7", 10_000, _held("a"))})
    recent.note("8", [(("", "a"), _held("a"), 5_000)])
    assert recent.versions([("", "a")]) == {("", "a"): "8"}
    recent.note("9", [(("", "a"), _held("a"), 5_000)])
    assert recent.versions([("", "a")]) == {}


def test_what_was_found_again_is_what_was_remembered() -> None:
    recent, held = RecentEntities(most_bytes=100), _held("a")
    recent.completed({("", "a"): FoundEntity("7", 80, held)})
    found = {
        ("", "a"): FoundEntity("7", 0, None),
        ("", "b"): FoundEntity("7", 80, _held("b")),
    }
    assert recent.completed(found)["", "a"] is held


def test_what_is_written_whole_is_known_to_who_comes_next() -> None:
    recent, held = RecentEntities(), _held("a")
    recent.keep([(("", "a"), FoundEntity("7", 80, held))])
    assert recent.versions([("", "a")]) == {("", "a"): "7"}
    assert recent.completed({("", "a"): FoundEntity("7", 0, None)})["", "a"] is held


def test_nothing_is_remembered_beyond_the_end_of_connections() -> None:
    recent = RecentEntities()
    before, after = (AsyncConnection(pq.PGconn.connect_start(b"")) for _ in range(2))
    recent.begin(before)
    recent.completed({("", "a"): FoundEntity("7", 10, _held("a"))})
    recent.begin(before)
    assert recent.versions([("", "a")]) == {("", "a"): "7"}
    recent.begin(after)
    assert recent.versions([("", "a")]) == {}
