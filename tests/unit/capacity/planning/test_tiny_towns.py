"""The planner against every plan there is: it finds one where one is, and refuses where none is."""

import pytest

from beffroi.capacity.model import Inventory, Plan
from beffroi.kernel.errors import InvalidInputError
from tests.unit.capacity.planning.planned_towns import planned, what_fails
from tests.unit.capacity.planning.tiny_towns import fewest_hosts, tiny_town

# The first forty, and some where plans were missed or bounds too low or too high once.
TOWNS = (*range(40), 121, 142, 147, 171, 177, 200, 218, 253, 271, 272, 293, 295, 308, 338, 352, 395)

TRUE_REFUSALS = {
    "capacity.no_plan",
    "capacity.no_room",
    "capacity.no_room_of",
    "capacity.room_short",
}


def planned_or_refused(inventory: Inventory) -> Plan | InvalidInputError:
    try:
        return planned(inventory)
    except InvalidInputError as refusal:
        return refusal


@pytest.mark.parametrize("seed", TOWNS)
def test_a_tiny_town_gets_the_fewest_hosts_or_a_true_refusal(seed: int) -> None:
    inventory = tiny_town(seed)
    fewest = fewest_hosts(inventory)

    plan = planned_or_refused(inventory)

    if isinstance(plan, InvalidInputError):
        assert fewest is None, plan
        assert plan.code in TRUE_REFUSALS
        return
    assert what_fails(plan) == []
    assert fewest is not None
    assert plan.proof.bound.hosts <= fewest <= plan.proof.hosts
    assert (plan.proof.hosts, plan.proof.optimal) == (fewest, True)
