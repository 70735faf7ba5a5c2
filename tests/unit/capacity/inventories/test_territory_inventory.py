"""The territory is an inventory too."""

from pathlib import Path

from beffroi.capacity.inventories.findings import ExclusionReason
from beffroi.capacity.model import Amounts
from tests.unit.capacity.inventories.written_files import loaded, refusal
from tests.unit.capacity.inventories.written_files import written as put

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


def test_a_plan_file_imports_it(tmp_path: Path) -> None:
    put(tmp_path, "territory.yaml", TERRITORY)
    file = put(tmp_path, "plan.yaml", "imports: [{file: territory.yaml}]\n")
    assert loaded(file).inventory.sites == ("lomme",)
