"""What an application cannot reach: the machine, and the applications of other organisations.

The application itself tries, and tells over HTTP what it reached.
"""

import asyncio
import socket
from collections.abc import Iterator

import msgspec
import pytest

from beffroi.hosting.environments import SOCKET
from beffroi.kernel.operations import OperationState
from beffroi.kernel.processes.limits import best_limiter
from beffroi.kernel.processes.sandbox import python_home
from beffroi.territory.model import Application, Limits
from tests.integration.hosting.stage import Sources, Stage
from tests.support.processes import AS_ROOT, pids_running
from tests.support.waiting import eventually

pytestmark = pytest.mark.usefixtures("tidied")

MARKER = "kept-by-the-neighbour"
READ_EVERYTHING = """
import os, pathlib
answer = {"seen": 0, "held": [], "variables": []}
for parent, folders, files in os.walk("/"):
    if parent in ("/usr", "/sys", "/proc") or parent.startswith(%(skipped)r):
        folders.clear()
        continue
    for name in files:
        path = pathlib.Path(parent, name)
        try:
            answer["seen"] += 1
            if path.is_file() and path.stat().st_size < 10**6 and %(marker)r in path.read_text():
                answer["held"].append(str(path))
        except (OSError, ValueError):
            pass
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit():
        try:
            if %(marker)r in (entry / "environ").read_text():
                answer["variables"].append(entry.name)
        except OSError:
            pass
"""
READ_PATHS = """
import os
answer = []
for path in %r:
    try:
        answer.append((path, os.listdir(path) if os.path.isdir(path) else open(path).read()))
    except OSError:
        pass
"""
WRITE_PATHS = """
import os
answer = []
for path in %r:
    try:
        open(path, "w").close()
        answer.append(path)
    except OSError:
        pass
"""
CONNECT = """
import socket
answer = []
for family, address in %r:
    try:
        with socket.socket(family) as tried:
            tried.settimeout(2)
            tried.connect(address if isinstance(address, str) else tuple(address))
            answer.append(address)
    except OSError:
        pass
"""
FORK = """
import os, time
children = []
try:
    for _ in range(500):
        child = os.fork()
        if child == 0:
            os.execvp("sleep", ["sleep", "300.8401"])
        children.append(child)
except OSError:
    pass
answer = len(children)
"""


@pytest.fixture
async def neighbour(stage: Stage, sources: Sources) -> Application:
    """An application of another commune, with something of every kind to steal."""
    application = sources.serving(
        "neighbour",
        organisation="lille",
        hosts=("neighbour.lille.example",),
        secrets=("TOKEN",),
        volumes=("files",),
        environment={"PRIVATE": MARKER},
    )
    ended = await stage.deploy(application)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    code = f"for path in ('/volumes/files/private', '/tmp/x'): open(path, 'w').write({MARKER!r})"
    assert await stage.tries(application, code) is None
    return application


@pytest.fixture
async def curious(stage: Stage, sources: Sources) -> Application:
    """The application that looks around."""
    application = sources.serving("curious", volumes=("files",), secrets=("TOKEN",))
    ended = await stage.deploy(application)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    return application


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A service of the machine that listens on its loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


async def test_nothing_of_a_neighbour_is_found_by_reading_all_there_is(
    stage: Stage, curious: Application, neighbour: Application
) -> None:
    looking = READ_EVERYTHING % {"marker": MARKER, "skipped": str(python_home())}
    found = await stage.tries(neighbour, looking)
    assert {"/volumes/files/private", "/tmp/x"} <= set(found["held"])
    assert found["variables"]
    found = await stage.tries(curious, looking)
    assert found["seen"] > 5
    assert (found["held"], found["variables"]) == ([], [])


@pytest.mark.usefixtures("neighbour")
async def test_nothing_is_reached_by_the_paths_of_the_machine(
    stage: Stage, curious: Application
) -> None:
    places = stage.places
    paths = [
        *map(str, (places.data, places.runtime, places.volumes, places.releases, places.instances)),
        str(places.volumes / "neighbour" / "files" / "private"),
        str(places.data / "sealing.key"),
        str(places.logs / "applications" / "neighbour" / "application.log"),
        "/volumes/files/../../neighbour/files/private",
        "/volumes/neighbour",
        "/proc/1/root/var",
        "/proc/1/root/volumes/neighbour",
        "/etc/shadow",
        "/home",
        "/var",
        "/sys",
        "/srv",
        "/opt",
    ]
    reached = await stage.tries(curious, READ_PATHS % paths)
    assert reached == []
    own = await stage.tries(curious, READ_PATHS % ["/volumes", "/run", "/run/beffroi"])
    assert dict(map(tuple, own)) == {
        "/volumes": ["files"],
        "/run": ["beffroi", "beffroi-purge"],
        "/run/beffroi": ["http.sock"],
    }


@pytest.mark.usefixtures("neighbour")
async def test_no_process_of_a_neighbour_is_seen(stage: Stage, curious: Application) -> None:
    code = "import os; answer = [int(name) for name in os.listdir('/proc') if name.isdigit()]"
    seen = await stage.tries(curious, code)
    assert len(seen) <= 4
    assert max(seen) < 100


async def test_no_socket_of_a_neighbour_is_reached(
    stage: Stage, curious: Application, neighbour: Application
) -> None:
    (unit,) = stage.units(neighbour)
    theirs = stage.places.instances / unit / "listen" / "http.sock"
    assert theirs.exists()
    tried = [(int(socket.AF_UNIX), str(theirs)), (int(socket.AF_UNIX), "/run/beffroi/http.sock")]
    assert await stage.tries(curious, CONNECT % tried) == ["/run/beffroi/http.sock"]


async def test_the_neighbours_secret_is_another(
    stage: Stage, curious: Application, neighbour: Application
) -> None:
    code = "import os; answer = os.environ['TOKEN']"
    assert await stage.tries(curious, code) != await stage.tries(neighbour, code)


async def test_the_network_is_closed_where_it_is_not_asked_for(
    stage: Stage, curious: Application, listener: socket.socket
) -> None:
    port = listener.getsockname()[1]
    addresses = [
        (int(socket.AF_INET), ("127.0.0.1", port)),
        (int(socket.AF_INET), (_own_address(), port)),
        (int(socket.AF_INET), ("192.0.2.1", 80)),
    ]
    assert await stage.tries(curious, CONNECT % addresses) == []
    devices = "answer = open('/proc/net/dev').read().count(':')"
    assert await stage.tries(curious, devices) == 1


async def test_the_network_is_open_where_it_is_asked_for(
    stage: Stage, sources: Sources, listener: socket.socket
) -> None:
    application = sources.serving("outgoing", network=True)
    await stage.deploy(application)
    address = ["127.0.0.1", listener.getsockname()[1]]
    tried = [(int(socket.AF_INET), address)]
    assert await stage.tries(application, CONNECT % tried) == [address]


def _own_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.2"
        return str(probe.getsockname()[0])


async def test_nothing_is_written_but_where_the_application_may(
    stage: Stage, curious: Application
) -> None:
    wished = [
        *("/x", "/app/x", "/app/server.py", "/usr/x", "/etc/x", "/etc/passwd", "/run/x"),
        *("/volumes/x", "/tmp/x", "/dev/shm/x", "/volumes/files/x", "/run/beffroi/x"),
    ]
    written = await stage.tries(curious, WRITE_PATHS % wished)
    assert written == ["/tmp/x", "/dev/shm/x", "/volumes/files/x", "/run/beffroi/x"]


@pytest.mark.skipif(not AS_ROOT, reason="only root can give each application a user of its own")
async def test_each_application_is_a_user_of_its_own(
    stage: Stage, curious: Application, neighbour: Application
) -> None:
    code = "import os; answer = [os.getuid(), os.getgid(), os.getgroups()]"
    mine, theirs = await stage.tries(curious, code), await stage.tries(neighbour, code)
    assert mine[0] == mine[1] > 200_000
    assert mine[0] != theirs[0]
    assert set(mine[2]) <= {mine[1]}
    owner = (stage.places.volumes / "curious" / "files").stat()
    assert (owner.st_uid, owner.st_mode & 0o777) == (mine[0], 0o700)


async def test_rights_given_up_do_not_come_back(stage: Stage, curious: Application) -> None:
    code = """
status = open('/proc/self/status').read()
lines = dict(line.split(':', 1) for line in status.splitlines())
answer = [lines['CapEff'].strip(), lines['CapPrm'].strip(), lines['NoNewPrivs'].strip()]
"""
    assert await stage.tries(curious, code) == ["0" * 16, "0" * 16, "1"]


@pytest.mark.skipif(
    not AS_ROOT and not best_limiter("tests").capabilities.whole_unit,
    reason="without control groups the bound counts all processes of this user",
)
async def test_a_fork_bomb_stays_within_its_limit_and_is_swept_away(
    stage: Stage, sources: Sources
) -> None:
    application = sources.serving("bomb", limits=Limits(processes=24))
    bystander = sources.serving("bystander")
    for one in (application, bystander):
        await stage.deploy(one)
    forked = await stage.tries(application, FORK)
    assert 5 < forked < 24
    assert await stage.page(bystander) == "one"
    usage = stage.runtime.usage("bomb.1")
    assert usage is not None
    assert usage.processes <= 24
    await stage.deploy(msgspec.structs.replace(application, environment={"SINCE": "yes"}))
    await eventually(lambda: stage.units(application) == ["bomb.2"])
    assert not pids_running("300.8401")


@pytest.mark.usefixtures("neighbour")
async def test_a_build_sees_neither_secrets_nor_volumes_nor_neighbours(
    stage: Stage, sources: Sources
) -> None:
    places = stage.places
    looked = f"ls -A /run /volumes {places.data} {places.volumes} {places.runtime}"
    application = sources.serving(
        "builder",
        secrets=("TOKEN",),
        volumes=("files",),
        database=True,
        environment={"PRIVATE": MARKER},
        build=(
            "env > seen.txt; id -u >> seen.txt; ls -A / >> seen.txt",
            f"{looked} > lists.txt || true",
        ),
    )
    ended = await stage.deploy(application)
    assert ended.state is OperationState.SUCCEEDED, ended.outcome
    seen = await stage.tries(application, "answer = open('/app/seen.txt').read()")
    token = await stage.tries(application, "import os; answer = os.environ['TOKEN']")
    assert token not in seen
    assert MARKER not in seen
    assert "PGPASSWORD" not in seen
    assert "BEFFROI" not in seen
    assert not {"run", "volumes", "var", "home"} & set(seen.split())
    assert await stage.tries(application, "answer = open('/app/lists.txt').read()") == ""


async def test_connections_of_two_applications_with_the_network_are_told_apart(
    stage: Stage, sources: Sources
) -> None:
    busy = sources.serving("net-busy", network=True)
    idle = sources.serving("net-idle", network=True)
    for one in (busy, idle):
        await stage.deploy(one)
    slow = asyncio.create_task(stage.get(busy, "/slow?s=0.5"))
    await eventually(lambda: stage.runtime.open_connections("net-busy.1", SOCKET) == 1)
    assert stage.runtime.open_connections("net-idle.1", SOCKET) == 0
    await slow
    await eventually(lambda: stage.runtime.open_connections("net-busy.1", SOCKET) == 0)
