"""sushy-tools' emulator of a management controller, behind TLS and a password."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import bcrypt

from tests.contract.energy.redfish_server import answers, make_certificate
from tests.support.town import free_port
from tests.support.waiting import eventually

USER, PASSWORD = "reader", "of-meters"


@asynccontextmanager
async def redfish_emulator(folder: Path) -> AsyncIterator[tuple[str, Path]]:
    """Run it; give its URL and its certificate."""
    port = free_port()
    certificate, key, accounts = folder / "cert.pem", folder / "key.pem", folder / "accounts"
    make_certificate(certificate, key)
    digest = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(rounds=4)).decode()
    accounts.write_text(f"{USER}:{digest}\n")
    settings = folder / "emulator.conf"
    settings.write_text(f"SUSHY_EMULATOR_AUTH_FILE = {str(accounts)!r}\n")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sushy_tools.emulator.main", "--fake", "-i", "127.0.0.1"),
        *("-p", str(port), "--config", str(settings)),
        *("--ssl-certificate", str(certificate), "--ssl-key", str(key)),
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: answers(port), within_s=30)
        yield f"https://127.0.0.1:{port}", certificate
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
