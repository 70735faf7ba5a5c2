"""A purge door per test, and the environments of applications that use one."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.integrations.purge_door import PurgeDoor, opened_door


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose sockets have names short enough for the kernel."""
    folder = Path(tempfile.mkdtemp(prefix="bi-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def door(short_folder: Path) -> AsyncIterator[PurgeDoor]:
    async with opened_door(short_folder) as opened:
        yield opened
