"""How much memory is left."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.processes.memory import group_memory, machine_memory, memory_reading
from beffroi.kernel.processes.model import MemoryReading

MEMINFO = "MemTotal:       1000 kB\nMemFree:   10 kB\nMemAvailable:    400 kB\nHugePages_Total: 0\n"


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


def test_what_the_kernel_could_free_is_available() -> None:
    assert machine_memory(MEMINFO) == MemoryReading(1000 * 1024, 400 * 1024)


@pytest.mark.parametrize(
    "files",
    [
        {
            "memory.max": "1000\n",
            "memory.current": "900\n",
            "memory.stat": "anon 500\ninactive_file 150\n",
        },
        {
            "memory.limit_in_bytes": "1000\n",
            "memory.usage_in_bytes": "900\n",
            "memory.stat": "inactive_file 20\ntotal_inactive_file 150\n",
        },
    ],
)
def test_a_groups_bound_counts_and_files_kept_at_hand_are_free(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert group_memory(write(tmp_path, files)) == MemoryReading(1000, 250)


def test_a_group_without_a_bound_tells_nothing(tmp_path: Path) -> None:
    unbound = write(tmp_path, {"memory.max": "max\n", "memory.current": "900\n"})
    assert group_memory(unbound) is None
    assert group_memory(tmp_path / "gone") is None


def test_this_machine_has_memory() -> None:
    found = memory_reading()
    assert 0 < found.available_bytes <= found.total_bytes


@given(st.integers(1, 10**12), st.integers(0, 10**12))
def test_memory_is_short_below_a_tenth(total: int, available: int) -> None:
    assert MemoryReading(total, available).is_short is (available < total / 10)
