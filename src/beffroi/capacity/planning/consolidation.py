"""A plan, from what there is to what proves it."""

import time
from collections.abc import Iterator

import msgspec

from beffroi.capacity.checking import check_plan, replay_losses
from beffroi.capacity.checking_losses import sets_of_hosts
from beffroi.capacity.checking_rooms import Register
from beffroi.capacity.model import Bound, Inventory, Plan, Proof, Reason
from beffroi.capacity.planning.blocks import blocks_of
from beffroi.capacity.planning.conflicts import contradicts_itself, no_plan
from beffroi.capacity.planning.estate import estate_of
from beffroi.capacity.planning.mistakes import refuse_mistakes
from beffroi.capacity.planning.moves import Way, way_to
from beffroi.capacity.planning.reasons import decisions_of, why_bound
from beffroi.capacity.planning.search import Found, Search
from beffroi.capacity.planning.sums import Sums
from beffroi.kernel.processes.workers import Progress, Told


def plan(inventory: Inventory, told: Told, *, deadline_s: float, seed: int) -> Plan:
    """Choose the fewest hosts, place every workload, order the moves, and prove it all.

    Args:
        inventory: What there is and what it must carry.
        told: Called with the progress.
        deadline_s: When the search settles for more hosts than the bound, in seconds.
        seed: The same one makes the same plan, unless the deadline ends the search.

    Raises:
        InvalidInputError: The inventory contradicts itself; the rules that do are named.
    """
    began_s = time.monotonic()
    refuse_mistakes(inventory)
    estate = estate_of(inventory, blocks_of(inventory))
    found = None
    if not contradicts_itself(estate):
        found = Search(estate, seed=seed, until_s=began_s + deadline_s, told=told).found()
    if found is None:
        raise no_plan(inventory, seed=seed, told=told)
    placement = found.placement()
    told(Progress(0.9, "ordering the moves"))
    way = way_to(inventory, placement, found.layout.hosts)
    told(Progress(0.95, "checking the plan"))
    proof = _proof_of(inventory, found, placement, way)
    return Plan(
        inventory=inventory,
        hosts=decisions_of(inventory, found),
        placement=placement,
        moves=way.moves,
        proof=proof,
        method=found.placed.method.value,
        took_s=time.monotonic() - began_s,
        remarks=tuple(_remarks_on(way, proof, inventory.policy.spare_hosts)),
    )


def _proof_of(inventory: Inventory, found: Found, placement: dict[str, str], way: Way) -> Proof:
    hosts = found.layout.hosts
    sums = Sums(found.layout.estate, found.dimensions)
    sets = sets_of_hosts(Register(inventory, hosts), placement)
    proof = Proof(
        bound=Bound(found.bound, found.why or why_bound(sums, found.bound)),
        hosts=len(hosts),
        optimal=False,
        checks=check_plan(inventory, placement, hosts, way.moves),
        replays=replay_losses(inventory, placement, hosts, found.placed.restarts),
        loss_sets=sets.of,
        loss_sets_tried=sets.tried,
    )
    return msgspec.structs.replace(proof, optimal=proof.holds and proof.gap == 0)


def _remarks_on(way: Way, proof: Proof, spare_hosts: int) -> Iterator[Reason]:
    """Say what cannot be moved without being stopped first, and which losses were not tried."""
    for name in way.stopped:
        yield Reason("stopped_to_pass", {"workload": name})
    if proof.loss_sets_tried < proof.loss_sets:
        values = {"hosts": spare_hosts, "tried": proof.loss_sets_tried, "sets": proof.loss_sets}
        yield Reason("loss_sets_tried", values)
