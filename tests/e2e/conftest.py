"""Towns that really run."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.petit_bourg import petit_bourg, source_of
from tests.support.town import Town


class OpenTown(Protocol):
    """Makes a town with these applications, or of a file; it is not up yet."""

    def __call__(
        self, *applications: str, file: Path | None = None
    ) -> AbstractAsyncContextManager[Town]: ...


@pytest.fixture(scope="session")
def open_town(request: pytest.FixtureRequest) -> OpenTown:
    """``async with open_town("vitrine") as town``: nothing of it is left afterwards.

    A town whose platform logged a defect fails the test that closes it.
    """

    @asynccontextmanager
    async def opened(*applications: str, file: Path | None = None) -> AsyncIterator[Town]:
        failed_before = request.session.testsfailed
        town = Town(file)
        if applications:
            sources = {name: source_of(name) for name in applications}
            town.declare(petit_bourg(*applications), sources)
        defects = ["the test ended by an error"]
        try:
            yield town
            defects = town.defects()
        finally:
            failed = bool(defects) or request.session.testsfailed > failed_before
            await town.close(keep_logs=failed)
        assert not defects, "\n".join(defects)

    return opened
