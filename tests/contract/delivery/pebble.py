"""A real ACME directory (pebble), its name server, and nginx where it looks for the answers."""

import asyncio
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest

from beffroi.delivery.keys import new_key
from beffroi.delivery.model import AcmeSettings
from beffroi.delivery.ports import CertificateIssuer
from tests.integration.delivery.stage import Stage, free_port
from tests.support.waiting import eventually

_PROGRAMS = ("pebble", "pebble-challtestsrv")


@asynccontextmanager
async def running_pebble(
    folder: Path, stage: Stage, local: CertificateIssuer, *, checked_port: int | None = None
) -> AsyncIterator[AcmeSettings]:
    """Run pebble; every name it looks up is this machine.

    One good nonce in five is refused, and names are checked at once.

    Args:
        folder: Where its files are kept.
        stage: Whose nginx shows the answers to its challenges.
        local: Issues the certificate of the directory itself.
        checked_port: The port where it looks for answers; default: the stage's.
    """
    for program in _PROGRAMS:
        if shutil.which(program) is None:
            pytest.skip(f"this machine has no {program} (apt install pebble)")
    dns_port, port = free_port(), free_port()
    await _write_certificates(folder, stage, local)
    _write_configuration(folder, port, checked_port or stage.settings.http_port)
    environment = {"PATH": os.environ["PATH"], "PEBBLE_VA_NOSLEEP": "1"}
    environment["PEBBLE_WFE_NONCEREJECT"] = "20"
    resolver = ("-dns01", f"127.0.0.1:{dns_port}", "-defaultIPv6", "")
    silent = ("-http01", "", "-https01", "", "-tlsalpn01", "")
    management = ("-management", f"127.0.0.1:{free_port()}")
    settings = AcmeSettings(
        directory=f"https://localhost:{port}/dir",
        contact="dsi@lemans.fr",
        ca_bundle=folder / "roots.pem",
    )
    async with (
        _started(folder, environment, "pebble-challtestsrv", *resolver, *silent, *management),
        _started(
            folder,
            environment,
            "pebble",
            *("-config", str(folder / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns_port}"),
        ),
    ):
        answers: bool = await eventually(lambda: _answers(settings), within_s=20)
        assert answers
        yield settings


async def _write_certificates(folder: Path, stage: Stage, local: CertificateIssuer) -> None:
    key = new_key()
    (folder / "pebble.key").write_text(key.reveal())
    (folder / "pebble.crt").write_text(await local.issue(("localhost",), key))
    (folder / "roots.pem").write_text(await stage.service.authority_certificate())


def _write_configuration(folder: Path, port: int, checked_port: int) -> None:
    asked = {
        "listenAddress": f"127.0.0.1:{port}",
        "managementListenAddress": f"127.0.0.1:{free_port()}",
        "certificate": str(folder / "pebble.crt"),
        "privateKey": str(folder / "pebble.key"),
        "httpPort": checked_port,
        "tlsPort": free_port(),
    }
    (folder / "pebble.json").write_bytes(msgspec.json.encode({"pebble": asked}))


async def _answers(settings: AcmeSettings) -> bool:
    roots = ssl.create_default_context(cafile=str(settings.ca_bundle))
    try:
        async with httpx.AsyncClient(verify=roots, trust_env=False) as client:
            return (await client.get(settings.directory)).status_code == 200
    except httpx.ConnectError:
        return False


@asynccontextmanager
async def _started(folder: Path, environment: dict[str, str], *command: str) -> AsyncIterator[None]:
    with (folder / f"{command[0]}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=log, stderr=log, env=environment, cwd=folder
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
