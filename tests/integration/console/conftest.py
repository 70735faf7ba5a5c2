"""The console over the real services, a real database and real applications."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from beffroi.app.addresses import Ports
from beffroi.app.http import http_application
from beffroi.app.measuring import measured_host
from beffroi.app.wiring import DOMAINS, Foundation, Platform, wired
from beffroi.delivery.drivers import FillerEngine
from beffroi.delivery.model import DeliverySettings
from beffroi.engines.databases import socket_folder
from beffroi.engines.drivers import JoinedPostgresql, NginxEngine, found_nginx
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.database import Database
from beffroi.kernel.log.trimming import Keeping
from beffroi.kernel.places import Places
from beffroi.kernel.secrets import SealingKey
from beffroi.kernel.units import MIB
from beffroi.territory.service import TerritoryService
from tests.conftest import MakeDatabase
from tests.integration.console.house import ADDRESS, House, write_town
from tests.integration.console.statements import database_name_of
from tests.support.postgres import PostgresServer


@pytest.fixture
async def platform(
    make_database: MakeDatabase, shared_postgres: PostgresServer
) -> AsyncIterator[Platform]:
    """Every service, over a database whose statements the server's log tells."""
    folder = Path(tempfile.mkdtemp(prefix="bc-", dir="/tmp"))
    database = await _telling(await make_database(*DOMAINS), shared_postgres)
    clock = SystemClock()
    places = Places.of(folder / "data")
    foundation = Foundation(
        places=places,
        key=SealingKey.of_folder(places.data),
        clock=clock,
        database=database,
        postgresql=JoinedPostgresql(database.url),
        nginx=NginxEngine(places, await found_nginx(), ()),
        filler=FillerEngine(places, database.url, socket_folder(database.url), 64 * MIB),
        ports=Ports(80, 443),
        outgoing=Outgoing(allow_internal=False),
        known_contexts={},
        host=measured_host("epyc", 2),
        wattmeter_file="",
        territory=TerritoryService(database, clock),
        keeping=Keeping(changes=timedelta(days=7), acts=timedelta(days=365)),
    )
    await foundation.territory.apply(write_town(folder), "operator")
    settings = DeliverySettings(
        addresses=("127.0.0.1",), http_port=80, https_port=443, console_host=ADDRESS
    )
    platform = wired(foundation, settings)
    yield platform
    await platform.services.operations.close()
    await platform.deployer.close()
    await platform.hosting_controller.close()
    await platform.deployer.stop_all()
    await database.close()
    shutil.rmtree(places.runtime, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def house(platform: Platform, shared_postgres: PostgresServer) -> AsyncIterator[House]:
    """The console, with people who may sign in."""
    house = House(http_application(platform.services), platform, shared_postgres)
    await house.furnish()
    yield house
    await house.close()


async def _telling(database: Database, server: PostgresServer) -> Database:
    """Open a database anew so that the server's log tells each of its statements."""
    await database.close()
    name = database_name_of(database)
    async with await server.admin() as connection:
        await connection.execute(f"alter database {name} set log_statement = 'all'".encode())
    told = Database(database.url)
    await told.open()
    return told
