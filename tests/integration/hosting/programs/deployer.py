"""Deploy one application as the platform does; then wait to be killed."""

import asyncio
import sys
from pathlib import Path

import msgspec

from beffroi.kernel.database import Database
from beffroi.kernel.operations import Progress
from beffroi.kernel.secrets import Secret
from beffroi.territory.model import Application
from tests.integration.hosting.stage import OPERATOR, Stage


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main() -> None:
    data, url, wish = sys.argv[1:]
    database = Database(Secret(url))
    await database.open()
    stage = Stage(Path(data), database)
    application = msgspec.json.decode(Path(wish).read_bytes(), type=Application)

    async def work(progress: Progress) -> str:
        return await stage.deployer.deploy(OPERATOR, application, progress)

    tell("deploying")
    ended = await stage.operations.carry_out(
        OPERATOR, "hosting.deploy", application.name, "lomme", work
    )
    tell(ended.outcome)
    await asyncio.sleep(60)


asyncio.run(main())
