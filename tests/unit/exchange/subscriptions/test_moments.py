"""Going back from what is so now gives what was so at each change."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.changes import ChangeKind, attribute_changes
from beffroi.exchange.model import Attribute, AttributeKind, Entity
from beffroi.exchange.subscriptions.moments import Moment, entities_then
from tests.support.town_subscriptions import NOW

attributes = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.dictionaries(st.sampled_from(["", "d:1", "d:2"]), st.integers(0, 3), min_size=1),
)
states = st.lists(st.one_of(st.none(), attributes), min_size=1, max_size=8)


def _entity(told: dict[str, dict[str, int]] | None) -> Entity | None:
    if told is None:
        return None
    kept = {
        name: tuple(
            Attribute(kind=AttributeKind.PROPERTY, value=value, dataset_id=dataset)
            for dataset, value in sorted(instances.items())
        )
        for name, instances in told.items()
    }
    return Entity(id="x:1", types=("t",), attributes=kept, created_at=NOW)


def _moments(entities: list[Entity | None]) -> list[tuple[Moment, Entity]]:
    found: list[tuple[Moment, Entity]] = []
    before: Entity | None = None
    for number, after in enumerate(entities):
        described = after or before
        if described is not None:
            kind = ChangeKind.UPDATED
            if before is None or after is None:
                kind = ChangeKind.CREATED if before is None else ChangeKind.DELETED
            moment = Moment(
                at=NOW + timedelta(seconds=number),
                kind=kind,
                id="x:1",
                organisation="nimes",
                tenant="",
                types=described.types,
                scopes=(),
                changes=tuple(attribute_changes(before, after)),
            )
            found.append((moment, described))
        before = after
    return found


def _values(entity: Entity) -> dict[str, dict[str, int]]:
    return {
        name: {one.dataset_id: one.value for one in instances}
        for name, instances in entity.attributes.items()
    }


@given(states)
def test_every_state_is_found_again(told: list[dict[str, dict[str, int]] | None]) -> None:
    entities = [_entity(one) for one in told]
    pairs = _moments(entities)
    last = next((one for one in reversed(entities) if one is not None), None)
    held = {} if last is None else {("", "x:1"): last}
    found = entities_then([moment for moment, _ in pairs], held)
    assert [_values(one) for one in found] == [_values(expected) for _, expected in pairs]


@given(states, st.integers(0, 7))
def test_what_a_change_touched_is_right_though_more_has_changed_since(
    told: list[dict[str, dict[str, int]] | None], upto: int
) -> None:
    entities = [_entity(one) for one in told]
    pairs = _moments(entities)[: upto + 1]
    last = next((one for one in reversed(entities) if one is not None), None)
    held = {} if last is None else {("", "x:1"): last}
    found = entities_then([moment for moment, _ in pairs], held)
    for (moment, expected), one in zip(pairs, found, strict=True):
        for change in moment.changes:
            name, dataset = change.attribute, change.instance.dataset_id
            assert _values(one).get(name, {}).get(dataset) == _values(expected).get(name, {}).get(
                dataset
            )
