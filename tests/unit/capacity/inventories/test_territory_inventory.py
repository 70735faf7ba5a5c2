"""The territory is an inventory too."""

from pathlib import Path

import pytest

from beffroi.capacity.host_models import HOST_MODELS
from beffroi.capacity.inventories.findings import ExclusionReason
from beffroi.capacity.inventories.territory import loaded_territory
from beffroi.capacity.model import Amounts
from beffroi.capacity.planning.consolidation import plan
from beffroi.territory.loading import load_territory
from tests.unit.capacity.inventories.written_files import loaded, refusal
from tests.unit.capacity.inventories.written_files import written as put

STORIES = Path(__file__).parents[4] / "stories"
TERRITORY = """\
territory: {name: vallee, title: Vallée, domain: localhost}
organisations:
  mairie: {title: Mairie}
sites:
  lomme: {title: Lomme, latitude: 50.6, longitude: 3}
hosts:
  tour: {site: lomme, cpus: 8, memory_gib: 32, disk_gib: 500}
applications:
  bus:
    organisation: mairie
    title: Bus
    kind: command
    source: {git: https://example.org/bus.git}
    start: ./serve
    limits: {memory_mib: 768, cpus: 0.5}
  pages:
    organisation: mairie
    title: Pages
    kind: static
    source: {git: https://example.org/pages.git}
"""


def test_hosts_and_limits_of_applications_are_read(tmp_path: Path) -> None:
    found = loaded(put(tmp_path, "territory.yaml", TERRITORY))
    assert [(one.name, one.organisation, one.amounts) for one in found.inventory.workloads] == [
        ("bus", "mairie", Amounts(500, 768))
    ]
    (host,) = found.inventory.hosts
    assert (host.name, host.site) == ("tour", "lomme")
    assert found.inventory.models[host.model].amounts == Amounts(8000, 32768, 500)
    assert [(one.name, one.reason) for one in found.excluded] == [("pages", ExclusionReason.STATIC)]


def test_mistakes_of_a_territory_keep_their_code_and_place(tmp_path: Path) -> None:
    text = TERRITORY.replace("cpus: 8", "cpus: 0")
    assert refusal(put(tmp_path, "territory.yaml", text)) == [("territory.below_minimum", 7, 29)]


def test_a_size_that_is_missing_is_told_at_its_host(tmp_path: Path) -> None:
    text = TERRITORY.replace("memory_gib: 32, ", "")
    assert refusal(put(tmp_path, "territory.yaml", text)) == [("territory.missing_key", 7, 3)]


def test_limits_may_take_all_of_the_processor_and_a_single_host_is_not_spare(
    tmp_path: Path,
) -> None:
    found = loaded(put(tmp_path, "territory.yaml", TERRITORY))
    policy = found.inventory.policy
    assert (policy.cpu_share, policy.spare_hosts) == (1.0, 0)
    assert [note.code for note in found.notes] == ["limits_as_sizes", "spares_impossible"]


def test_sites_of_two_hosts_keep_one_spare(tmp_path: Path) -> None:
    second = "  autre: {site: lomme, cpus: 8, memory_gib: 32, disk_gib: 500}\napplications:"
    found = loaded(put(tmp_path, "territory.yaml", TERRITORY.replace("applications:", second)))
    assert found.inventory.policy.spare_hosts == 1
    assert [one.host for one in found.inventory.workloads] == [""]


def test_all_applications_run_on_the_only_host(tmp_path: Path) -> None:
    found = loaded(put(tmp_path, "territory.yaml", TERRITORY))
    assert [one.host for one in found.inventory.workloads] == ["tour"]


def test_a_known_model_gives_its_power_and_the_declaration_its_size(tmp_path: Path) -> None:
    name = "2U 2x Xeon E5620, 6x 8 GB, 4 HDD"
    text = TERRITORY.replace("disk_gib: 500}", f'disk_gib: 500, model: "{name}"}}')
    found = loaded(put(tmp_path, "territory.yaml", text))
    model = found.inventory.models[name]
    assert (model.amounts, model.power) == (Amounts(8000, 32768, 500), HOST_MODELS[name].power)


def test_the_territory_in_force_is_the_same_inventory_as_its_file(tmp_path: Path) -> None:
    file = put(tmp_path, "territory.yaml", TERRITORY)
    in_force = loaded_territory(load_territory(file).territory)
    from_file = loaded(file)
    assert in_force.remarks == from_file.remarks
    assert in_force.inventory.workloads == from_file.inventory.workloads
    assert in_force.inventory.hosts == from_file.inventory.hosts
    assert in_force.inventory.policy == from_file.inventory.policy


@pytest.mark.parametrize("story", ["drancy", "le-mans"])
def test_the_territories_of_the_stories_are_planned_for_as_they_are(story: str) -> None:
    found = loaded(STORIES / story / "territory.yaml")
    made = plan(found.inventory, lambda _: None, deadline_s=5, seed=1)
    assert made.proof.holds
    assert made.proof.hosts == made.proof.bound.hosts == 1
    assert made.moves == ()


def test_a_plan_file_imports_it(tmp_path: Path) -> None:
    put(tmp_path, "territory.yaml", TERRITORY)
    file = put(tmp_path, "plan.yaml", "imports: [{file: territory.yaml}]\n")
    assert loaded(file).inventory.sites == ("lomme",)
