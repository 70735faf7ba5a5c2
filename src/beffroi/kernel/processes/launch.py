"""Launching a process that survives its launcher, and finding it again.

The child writes its own row of the process table before it becomes the command: whatever the
moment at which the launcher dies, the next one finds the process, and takes no other for it.
"""

import os
from pathlib import Path

from beffroi.kernel.processes.leftovers import kill_leftovers
from beffroi.kernel.processes.limits import Limiter
from beffroi.kernel.processes.model import ProcessPlan, RunningProcess
from beffroi.kernel.processes.sandbox import as_identity, sandboxed_command
from beffroi.kernel.processes.tables import parsed_row, process_row

PID_FILE = "pid"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Without its limits or its folder the command must not run, hence -e.
_PREAMBLE = f"""\
set -e
read -r boot < {_BOOT_ID}
read -r row < /proc/$$/stat
echo "$boot $row" > "$2.new"
mv "$2.new" "$2"
eval "$1"
cd "$3"
unset OLDPWD
shift 3
exec "$@"
"""


def launch(plan: ProcessPlan, limiter: Limiter) -> RunningProcess:
    """Start the plan's process in a session of its own.

    Raises:
        FileNotFoundError: No shell, or no bubblewrap.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    plan.log_path.parent.mkdir(parents=True, exist_ok=True)
    earlier = last_launched(plan.unit, plan.folder)
    if earlier is not None:
        kill_leftovers(earlier)
    (plan.folder / PID_FILE).unlink(missing_ok=True)
    joining = "" if plan.limits is None else limiter.prepare(plan.unit, plan.limits)
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", _PREAMBLE, "sh", joining, str(plan.folder / PID_FILE), *_command(plan)],
        dict(plan.environment),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(plan.log_path), append, 0o640),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            *((os.POSIX_SPAWN_CLOSE, descriptor) for descriptor in _inherited()),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=_DEFAULTED,
    )
    _write_row(plan.folder / PID_FILE, pid)
    row = process_row(pid)
    return RunningProcess(plan.unit, pid, row.started_ticks if row else 0)


def found_running(unit: str, folder: Path) -> RunningProcess | None:
    """Find the process of a unit that an earlier launcher left running."""
    process = last_launched(unit, folder)
    return process if process is not None and is_alive(process) else None


def launch_of(process: RunningProcess) -> str:
    """Name one launch of a unit: no other has this name, before or after a boot."""
    return f"{process.unit} {_BOOT_ID.read_text().strip()} {process.pid} {process.started_ticks}"


def is_alive(process: RunningProcess) -> bool:
    """Tell whether the very same process still runs."""
    row = process_row(process.pid)
    return row is not None and row.started_ticks == process.started_ticks


def _write_row(path: Path, pid: int) -> None:
    """Write what the child writes too, so that it can be found as soon as it is launched."""
    fresh = path.with_suffix(".launcher")
    row = Path(f"/proc/{pid}/stat").read_text()
    fresh.write_text(f"{_BOOT_ID.read_text().strip()} {row}")
    fresh.replace(path)


def last_launched(unit: str, folder: Path) -> RunningProcess | None:
    """Read which process was launched last since the machine's boot; it may have ended."""
    try:
        boot, _, written = (folder / PID_FILE).read_text().partition(" ")
    except FileNotFoundError:
        return None
    row = parsed_row(written)
    if row is None or boot != _BOOT_ID.read_text().strip():
        return None
    return RunningProcess(unit, row.pid, row.started_ticks)


def _command(plan: ProcessPlan) -> list[str]:
    if plan.sandbox is not None:
        return ["/", *sandboxed_command(plan, plan.sandbox)]
    prefix = [] if plan.identity is None else as_identity(plan.identity)
    return [str(plan.working_folder), *prefix, *plan.command]


def _inherited() -> list[int]:
    """List the files that whoever started the platform left open for its children.

    A process that lasts must not hold a caller's pipe or lock.
    """
    return [
        descriptor
        for descriptor in map(int, os.listdir("/proc/self/fd"))  # noqa: PTH208 - names are numbers
        if descriptor > 2 and _is_inheritable(descriptor)
    ]


def _is_inheritable(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        return False


_DEFAULTED = tuple(range(1, 32))
