"""What an application's process sees: its variables, its mounts, its command."""

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from beffroi.engines.databases import database_name
from beffroi.hosting.vault import DATABASE_PASSWORD
from beffroi.kernel.errors import FailedError
from beffroi.kernel.places import Places, hand_over
from beffroi.kernel.processes.model import Identity, Mount
from beffroi.kernel.processes.sandbox import python_home
from beffroi.kernel.secrets import Secret
from beffroi.territory.model import Application, ApplicationKind, Listening, ServerInterface

APP = Path("/app")
SOCKET = Path("/run/beffroi/http.sock")
DATABASE_SOCKET_FOLDER = Path("/run/postgresql")
_UV = Path("/opt/beffroi/uv")
_FORWARDER = Path("/opt/beffroi/port_forwarder.py")
_PORT = 8000
_SYSTEM_AUTHORITIES = Path("/etc/ssl/certs")
_PASSED_TO_BUILDS = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
_THREADS = {ServerInterface.WSGI: ("--blocking-threads", "4"), ServerInterface.ASGI: ()}


def common_environment() -> dict[str, str]:
    """Return what every process of an application has."""
    return {
        "PATH": f"{APP}/.venv/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",  # noqa: S108 - private to the sandbox
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def build_environment() -> dict[str, str]:
    """Return the environment of a build: the network's settings of the platform, no secret."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in _PASSED_TO_BUILDS or name.startswith("UV_")
    }
    return {
        **passed,
        **common_environment(),
        "UV_CACHE_DIR": "/cache",
        "UV_LINK_MODE": "copy",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
        **({"UV_SYSTEM_CERTS": "1"} if _SYSTEM_AUTHORITIES.is_dir() else {}),
    }


def run_environment(
    application: Application, secrets: Mapping[str, Secret], public_url: str
) -> dict[str, str]:
    """Return the environment of a serving process and of its jobs."""
    environment = {
        **common_environment(),
        "BEFFROI_APPLICATION": application.name,
        "BEFFROI_ORGANISATION": application.organisation,
        "BEFFROI_HOSTS": ",".join(application.hosts),
        "BEFFROI_PUBLIC_URL": public_url,
        **application.environment,
        **{name: secret.reveal() for name, secret in secrets.items() if name.isidentifier()},
    }
    if application.listens is Listening.PORT:
        environment["PORT"] = str(_PORT)
    else:
        environment["SOCKET"] = str(SOCKET)
    if application.database:
        environment |= _database_environment(application, secrets[DATABASE_PASSWORD])
    return environment


def build_mounts(build: Path, cache: Path) -> tuple[Mount, ...]:
    """Return what a build sees: its own folder and its application's cache of packages."""
    return (
        Mount(build, APP, writable=True),
        Mount(cache, Path("/cache"), writable=True),
        Mount(_uv_path(), _UV),
    )


def run_mounts(
    application: Application, places: Places, release: Path, database_folder: str
) -> tuple[Mount, ...]:
    """Return what a serving process sees, but for its socket's folder."""
    volumes = places.volumes / application.name
    mounts = [
        Mount(release, APP),
        *(
            Mount(volumes / name, Path("/volumes", name), writable=True)
            for name in application.volumes
        ),
    ]
    if application.database:
        mounts.append(Mount(Path(database_folder), DATABASE_SOCKET_FOLDER))
    if application.listens is Listening.PORT:
        forwarder = Path(str(files("beffroi.hosting").joinpath("port_forwarder.py")))
        mounts.append(Mount(forwarder, _FORWARDER))
    return tuple(mounts)


def packaging_commands(application: Application, server_version: str) -> list[tuple[str, ...]]:
    """Return the commands that make a Python application's environment."""
    if application.kind is not ApplicationKind.PYTHON:
        return []
    python = str(python_home() / "bin" / f"python3.{sys.version_info.minor}")
    install = [str(_UV), "pip", "install", "--quiet", f"--python={APP}/.venv", "--compile-bytecode"]
    if application.requirements:
        install += ["--requirements", application.requirements]
    if application.entry:
        install.append(f"granian=={server_version}")
    commands: list[tuple[str, ...]] = [
        (str(_UV), "venv", "--quiet", f"--python={python}", f"{APP}/.venv")
    ]
    if application.requirements or application.entry:
        commands.append(tuple(install))
    return commands


def serve_command(application: Application) -> tuple[str, ...]:
    """Return the command line that serves an application."""
    if application.entry:
        return (
            "granian",
            f"--interface={application.interface}",
            f"--uds={SOCKET}",
            "--workers=1",
            "--no-ws" if application.interface is ServerInterface.WSGI else "--ws",
            *_THREADS[application.interface],
            "--respawn-failed-workers",
            application.entry,
        )
    command = words(application.start)
    if application.listens is Listening.SOCKET:
        return command
    python = str(python_home() / "bin" / f"python3.{sys.version_info.minor}")
    return (python, "-I", "-S", str(_FORWARDER), str(SOCKET), str(_PORT), *command)


def words(command: str) -> tuple[str, ...]:
    """Hand a declared command to the shell, which fills its variables in.

    A single command takes the shell's place, so that it is the one asked to end.
    """
    if any(sign in command for sign in ";&|\n"):
        return ("/bin/sh", "-c", command)
    sets_variables = "=" in command.split(maxsplit=1)[0]
    return ("/bin/sh", "-c", f"exec env {command}" if sets_variables else f"exec {command}")


def socket_folder(places: Places, unit: str) -> Path:
    """Return where the socket of an instance appears on the machine."""
    return places.instances / unit / "listen"


def socket_mount(folder: Path) -> Mount:
    """Show an instance the folder in which it makes its socket."""
    return Mount(folder, SOCKET.parent, writable=True)


def writable_folder(path: Path, identity: Identity | None, group: Identity | None) -> None:
    """Make a folder that the application writes and nginx's group may enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    if identity is not None and group is not None:
        os.chown(path, identity.uid, group.gid)
        path.chmod(0o2770)


def volume_folder(path: Path, identity: Identity | None) -> None:
    """Make a volume, or give one that was kept to the user that its application has now."""
    if identity is not None and path.exists() and path.stat().st_uid != identity.uid:
        give_to(path, identity)
    hand_over(path, identity)


def give_to(folder: Path, identity: Identity) -> None:
    """Change the owner of all of a folder, itself last: one cut short is begun again.

    A link put there meanwhile leads nowhere else.
    """
    for _, folders, names, descriptor in os.fwalk(folder):
        for name in (*folders, *names):
            os.chown(name, identity.uid, identity.gid, dir_fd=descriptor, follow_symlinks=False)
    os.chown(folder, identity.uid, identity.gid, follow_symlinks=False)


def _database_environment(application: Application, password: Secret) -> dict[str, str]:
    name = database_name(application.name)
    folder = quote(str(DATABASE_SOCKET_FOLDER), safe="")
    return {
        "DATABASE_URL": f"postgresql://{name}:{password.reveal()}@/{name}?host={folder}",
        "PGHOST": str(DATABASE_SOCKET_FOLDER),
        "PGUSER": name,
        "PGDATABASE": name,
        "PGPASSWORD": password.reveal(),
    }


def _uv_path() -> Path:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if found is None:
        raise FailedError("hosting.uv_missing")
    return Path(found)
