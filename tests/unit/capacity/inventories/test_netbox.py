"""NetBox's export of virtual machines: its MB are asked for, never guessed."""

from pathlib import Path

import pytest

from beffroi.capacity.inventories.kinds import ByteUnits, FileKind
from beffroi.capacity.inventories.reading import kind_of
from beffroi.capacity.model import Amounts
from tests.unit.capacity.inventories.written_files import read, rejected
from tests.unit.capacity.inventories.written_files import written as put

SHOWN = (
    "Name,Status,Site,Cluster,Device,Role,Tenant,vCPUs,Memory (MB),Disk (GB),Tags\n"
    "web,Active,Lille,prod,esx1,Server,drancy,2.00,4096,40,\n"
    "old,Decommissioning,Lille,prod,,Server,drancy,2.00,4096,40,\n"
)


@pytest.mark.parametrize(
    ("units", "amounts"),
    [
        (ByteUnits.BINARY, Amounts(2000, 4096, 40)),
        (ByteUnits.DECIMAL, Amounts(2000, 3907, 38)),
    ],
)
def test_active_machines_are_read_once_the_units_are_told(
    tmp_path: Path, units: ByteUnits, amounts: Amounts
) -> None:
    file = put(tmp_path, "vms.csv", SHOWN)
    found = read(file, byte_units=units)
    assert kind_of(file) is FileKind.NETBOX
    assert found.workloads[0].amounts == amounts
    assert (found.workloads[0].organisation, found.workloads[0].host) == ("drancy", "esx1")
    assert [one.name for one in found.excluded] == ["old"]


def test_mb_without_a_word_on_what_it_means_is_refused(tmp_path: Path) -> None:
    found = read(put(tmp_path, "vms.csv", SHOWN))
    assert rejected(found) == [("unit_ambiguous", 1, 9), ("unit_ambiguous", 1, 10)]


def test_names_of_fields_are_headings_too_and_a_disk_needs_its_unit(tmp_path: Path) -> None:
    text = "name,status,cluster,vcpus,memory,disk\nweb,active,prod,2,4096,40\n"
    found = read(put(tmp_path, "vms.csv", text), byte_units=ByteUnits.BINARY)
    assert rejected(found) == [("unit_missing", 1, 6)]
    named = text.replace("disk", "disk_gb")
    found = read(put(tmp_path, "vms.csv", named), byte_units=ByteUnits.BINARY)
    assert found.workloads[0].amounts == Amounts(2000, 4096, 40)


def test_a_wrong_row_is_told(tmp_path: Path) -> None:
    text = SHOWN + "db,Active,Lille,prod,,Server,drancy,,-1,40,\n"
    found = read(put(tmp_path, "vms.csv", text), byte_units=ByteUnits.BINARY)
    assert rejected(found) == [("amount_missing", 4, 8), ("amount_negative", 4, 9)]
