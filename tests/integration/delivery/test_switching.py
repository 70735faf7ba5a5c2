"""Changing what serves an application while its visitors ask."""

import asyncio
from pathlib import Path

from beffroi.kernel.processes.tables import children_of
from beffroi.territory.model import VisitorLimits
from tests.integration.delivery.stage import Stage, upstream
from tests.support.waiting import eventually, scaled
from tests.unit.delivery.territories import application, territory

HOST = "app.ville.localhost"
REQUEST = f"GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()
CROWD = VisitorLimits(requests_per_s=100_000, site_requests_per_s=100_000)
VISITORS = 4
REQUESTS_EACH = 600
ANSWERS_BETWEEN_SWITCHES = 48


async def visited(stage: Stage, folders: list[Path], answers: list[tuple[bytes, bytes]]) -> None:
    """Ask again and again on one connection that stays open; switch every few answers."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", stage.settings.https_port, ssl=await stage.trusting(), server_hostname=HOST
    )
    for _ in range(REQUESTS_EACH):
        writer.write(REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        answers.append((head[:12], await reader.readexactly(length)))
        switch, between = divmod(len(answers), ANSWERS_BETWEEN_SWITCHES)
        if between == 0:
            stage.routes.point("app", folders[switch % 2])
    writer.close()


async def test_switching_a_target_under_load_loses_no_request(stage: Stage) -> None:
    folders = [stage.places.instances / "app-1", stage.places.instances / "app-2"]
    async with upstream(folders[0], "one"), upstream(folders[1], "two"):
        stage.routes.point("app", folders[0])
        main = (await stage.engine.status()).pid or 0
        before = set(children_of(main))
        await stage.declare(territory(application("app", HOST, visitors=CROWD)))
        await eventually(lambda: before.isdisjoint(children_of(main)))
        answers: list[tuple[bytes, bytes]] = []
        async with asyncio.timeout(scaled(50)), asyncio.TaskGroup() as visitors:
            for _ in range(VISITORS):
                visitors.create_task(visited(stage, folders, answers))

    assert {status for status, _ in answers} == {b"HTTP/1.1 200"}
    assert len(answers) == VISITORS * REQUESTS_EACH
    told = [b'"one"' in body for _, body in answers]
    assert 0.2 < sum(told) / len(told) < 0.8


async def test_a_site_declared_anew_needs_no_reload(stage: Stage) -> None:
    before = (await stage.engine.status()).pid
    text = (stage.engine.folder / "nginx.conf").read_text()
    declared = [application(f"a{number}", f"a{number}.ville.localhost") for number in range(50)]
    for one in declared:
        stage.files_of(one.name, {"index.html": one.name})

    await stage.declare(territory(*declared))

    async with stage.browser() as browser:
        pages = [await browser.get(one.canonical_host) for one in declared]
    assert [page.text for page in pages] == [one.name for one in declared]
    assert (stage.engine.folder / "nginx.conf").read_text() == text
    assert (await stage.engine.status()).pid == before


async def test_a_withdrawn_site_is_unknown_at_once(stage: Stage) -> None:
    stage.files_of("app", {"index.html": "ici"})
    await stage.declare(territory(application("app", HOST)))
    async with stage.browser() as browser:
        assert (await browser.get(HOST)).status_code == 200

        await stage.declare(territory())

        assert (await browser.get(HOST)).status_code == 404
