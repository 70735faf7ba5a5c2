"""The worker that reads inventories, as the platform asks it."""

import asyncio
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook

from beffroi.capacity.inventories.findings import InventoryInvalidError
from beffroi.capacity.inventories.kinds import FileKind
from beffroi.capacity.inventories.loaded import LoadedInventory
from beffroi.capacity.inventories.reader import read
from beffroi.capacity.inventories.reading import kind_of
from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import ManyMistakesError
from beffroi.kernel.processes.workers import Progress, asked_of_worker
from tests.unit.capacity.inventories.written_files import book
from tests.unit.capacity.inventories.written_files import written as put

READER = "beffroi.capacity.inventories.reader"


def _nobody_listens(progress: Progress) -> None:
    del progress


async def test_the_worker_answers_with_an_inventory(tmp_path: Path) -> None:
    files = [
        put(tmp_path, "w.csv", "name;vcpu;memory_gib\na;1;1\n"),
        put(tmp_path, "h.csv", "host;cpu_cores;memory_gib\nh;8;64\n"),
    ]
    names = [str(file) for file in files]
    answer = await asked_of_worker(READER, names, LoadedInventory, _nobody_listens, deadline_s=30)
    found = answer.inventory
    assert ([one.name for one in found.workloads], found.sites) == (["a"], ("site",))


async def test_the_worker_tells_every_mistake_with_its_place(tmp_path: Path) -> None:
    file = put(tmp_path, "w.csv", "name;vcpu;memory_gib\na;1;-1\nb;x;1\n")
    with pytest.raises(ManyMistakesError) as raised:
        await asked_of_worker(READER, [str(file)], LoadedInventory, _nobody_listens, deadline_s=30)
    told = raised.value.findings(Language.FR)
    assert [(one["line"], one["column"]) for one in told] == [(2, 3), (3, 2)]
    assert "-1" in told[0]["message"]
    assert all(one["remedy"] and one["file"] == str(file) for one in told)


async def test_the_worker_tells_a_far_cell_and_goes_on_living(tmp_path: Path) -> None:
    file = book(tmp_path, {"Machines": [["nom"]]})
    workbook = load_workbook(file)
    workbook["Machines"]["XFD1048576"] = "x"
    workbook.save(file)
    with pytest.raises(ManyMistakesError) as raised:
        await asked_of_worker(READER, [str(file)], LoadedInventory, _nobody_listens, deadline_s=30)
    (told,) = raised.value.findings(Language.FR)
    assert (told["file"], told["line"], told["column"]) == (f"{file}#Machines", 1_048_576, 16_384)
    assert "XFD1048576" in told["message"]
    assert "Ctrl+Fin" in told["remedy"]


async def test_the_worker_takes_a_part_of_the_memory_alone() -> None:
    program = (
        "from beffroi.capacity.inventories.reader import limit_memory\n"
        "limit_memory()\n"
        "bytearray(5 << 30)\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stderr=asyncio.subprocess.PIPE
    )
    _, told = await asyncio.wait_for(process.communicate(), 30)
    assert told.decode().rstrip().endswith("MemoryError")


def test_mistakes_are_written_as_an_editor_opens_them(tmp_path: Path) -> None:
    file = put(tmp_path, "w.csv", "name;vcpu;memory_gib\na;1;-1\n")
    with pytest.raises(InventoryInvalidError) as raised:
        read([str(file)], _nobody_listens)
    assert raised.value.told(Language.EN).startswith(f"{file}:2:3  ")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("name;vcpu;memory_gib\n", FileKind.WORKLOADS),
        ("host;model;site\n", FileKind.HOSTS),
        ("#host_cpu_m,1\nvm,mem_MiB\n", FileKind.AGGLO),
        ("Name,Status,Cluster,vCPUs\n", FileKind.NETBOX),
        ("<domain/>", FileKind.LIBVIRT),
        ("CPU model: x\nMemory size: 1 KiB\n", FileKind.LIBVIRT),
        ("Domain: 'a'\n", FileKind.LIBVIRT),
        ("[]", FileKind.PROXMOX),
        ('{"data": []}', FileKind.PROXMOX),
    ],
)
def test_a_file_is_known_by_its_content(tmp_path: Path, text: str, kind: FileKind) -> None:
    assert kind_of(put(tmp_path, "export.txt", text)) is kind


def test_workbooks_are_known_by_their_tabs(tmp_path: Path) -> None:
    assert kind_of(book(tmp_path, {"vInfo": [["VM"]]})) is FileKind.RVTOOLS
    assert kind_of(book(tmp_path, {"Machines": [["nom"]]})) is FileKind.WORKBOOK
