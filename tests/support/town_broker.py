"""The town's own broker of MQTT: Mosquitto where it is installed."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")

# Of the password "secret", as mosquitto_passwd writes it.
_ACCOUNT = (
    "town:$7$101$cZ6H/9XNtVFRotv/$wqHwTN4kukY3EeecZXRmhkYmCWsHxIK300VxsJqnaq3V7jXy7pgoMBKgm+pxP"
    "vf2l6JkquVjpKyAHwWNz5sN3g==\n"
)


class RunningBroker(msgspec.Struct):
    """A broker that can be stopped and started again on its port."""

    port: int
    folder: Path
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Take connections; the account «town» has the password «secret»."""
        assert MOSQUITTO is not None
        configuration = self.folder / "mosquitto.conf"
        accounts = self.folder / "accounts"
        accounts.write_text(_ACCOUNT, encoding="utf-8")
        accounts.chmod(0o600)
        configuration.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\nallow_anonymous false\n"
            f"password_file {accounts}\nmax_queued_messages 0\nmax_inflight_messages 100\n"
            "sys_interval 1\n",
            encoding="utf-8",
        )
        self.process = await asyncio.create_subprocess_exec(
            MOSQUITTO,
            "-c",
            str(configuration),
            stderr=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(10):
            while not await self._listens():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Cut every connection."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            self.process = None

    async def _listens(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            await writer.wait_closed()
            return True
        return False


@asynccontextmanager
async def town_broker(folder: Path) -> AsyncIterator[RunningBroker]:
    """Run a broker."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    broker = RunningBroker(port, folder)
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()
