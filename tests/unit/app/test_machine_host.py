"""Which declared host the machine is."""

from beffroi.app.machine_meter import machine_host
from beffroi.territory.model import Host, Territory


def _territory(*hosts: str) -> Territory:
    declared = {
        name: Host(name=name, site="mairie", cpus=2, memory_gib=4, disk_gib=50) for name in hosts
    }
    return Territory(name="ville", title="Ville", domain="ville.localhost", hosts=declared)


def test_the_machine_is_the_first_host_by_name_as_the_kept_order_is_not_the_files() -> None:
    found = machine_host(_territory("serveur-2", "serveur-1"))

    assert found is not None
    assert found.name == "serveur-1"


def test_where_no_host_is_declared_the_machine_is_none() -> None:
    assert machine_host(_territory()) is None
