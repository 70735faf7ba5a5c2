"""What the platform may import of inventories loads nothing heavy."""

import sys

from beffroi.kernel.processes.commands import run_command

HEAVY = ("numpy", "pyarrow", "lxml", "python_calamine", "openpyxl", "numba", "ortools")
LIGHT = (
    "beffroi.capacity.inventories.kinds",
    "beffroi.capacity.inventories.findings",
    "beffroi.capacity.inventories.plan_file",
    "beffroi.capacity.inventories.loaded",
    "beffroi.capacity.sizing_advice",
)


async def test_light_modules_load_nothing_heavy() -> None:
    script = f"import sys, {', '.join(LIGHT)}\nprint(*sorted({HEAVY} & sys.modules.keys()))"
    script = script.replace(str(HEAVY), str(set(HEAVY)))
    result = await run_command([sys.executable, "-c", script], deadline_s=30)
    assert (result.status, result.output.strip()) == (0, "")
