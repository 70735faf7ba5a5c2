"""The suite: its environment, its variables, its run, its results."""

import ast
import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

import msgspec

from beffroi.kernel.processes.commands import run_command

_TESTS: Final = Path("TP/NGSI-LD")
_CONTEXTS: Final = Path("resources/jsonld-contexts")
_OWN_BROKER: Final = Path(__file__).parent / "own_broker.py"
_RUN_WITHIN_S: Final = 3_600
_INSTALLED_WITHIN_S: Final = 600
_LOOPBACK_VARIABLES: Final = {
    "notification_server_host": "127.0.0.1",
    "notification_server_port": "8085",
    "context_source_host": "127.0.0.1",
    "context_source_port": "8086",
    "context_server_host": "127.0.0.1",
    "context_server_port": "8087",
    "mqtt_broker_host": "127.0.0.1",
}


class Verdict(msgspec.Struct, frozen=True):
    """What became of one test.

    Attributes:
        group: The folder that it lies in, below the suite's tests.
        message: Why it failed.
    """

    group: str
    file: str
    name: str
    passed: bool
    message: str = ""


class Suite:
    """A clone of the suite, with an interpreter that has what it requires."""

    def __init__(self, folder: Path, interpreter: Path) -> None:
        self._folder = folder
        self._interpreter = interpreter

    async def commit(self) -> str:
        """Return the commit that the clone is at."""
        return await _output(("git", "-C", str(self._folder), "rev-parse", "HEAD"))

    def known_contexts(self) -> Mapping[str, Path]:
        """Return the suite's own @contexts by the addresses that its data names."""
        variables = ast.parse((self._folder / "resources" / "variables.py").read_text())
        address = next(
            ast.literal_eval(one.value)
            for one in variables.body
            if isinstance(one, ast.Assign)
            and isinstance(one.targets[0], ast.Name)
            and one.targets[0].id == "ngsild_test_suite_context"
        )
        base = address.rpartition("/")[0]
        return {f"{base}/{path.name}": path for path in (self._folder / _CONTEXTS).glob("*.jsonld")}

    async def run(self, groups: Sequence[str], port: int, results: Path) -> Sequence[Verdict]:
        """Run groups of tests against a door on a port of this machine.

        Args:
            groups: Folders below TP/NGSI-LD; none: all of them.
            port: Of the loopback address.
            results: Where robot writes.
        """
        door = f"http://127.0.0.1:{port}/ngsi-ld/v1"
        variables = {**_LOOPBACK_VARIABLES, "url": door, "temporal_api_url": door}
        sources = [str(_TESTS / group) for group in groups] or [str(_TESTS)]
        command = (
            *(str(self._interpreter), "-m", "robot", "--outputdir", str(results)),
            *("--console", "quiet", "--log", "NONE", "--report", "NONE"),
            *("--prerunmodifier", str(_OWN_BROKER)),
            *(f"--variable={name}:{value}" for name, value in variables.items()),
            *sources,
        )
        process = await asyncio.create_subprocess_exec(
            *command, cwd=self._folder, env=_environment(), stdout=asyncio.subprocess.DEVNULL
        )
        await asyncio.wait_for(process.wait(), _RUN_WITHIN_S)
        return read_verdicts(results / "output.xml", self._folder / _TESTS)


def read_verdicts(output: Path, tests: Path) -> Sequence[Verdict]:
    """Read what robot wrote."""
    verdicts = []
    for suite in ET.parse(output).getroot().iter("suite"):  # noqa: S314 - robot's own
        source = suite.get("source", "")
        if not source.endswith(".robot"):
            continue
        file = Path(source).relative_to(tests.resolve())
        for test in suite.findall("test"):
            status = test.find("status")
            told = "" if status is None else (status.text or "").strip()
            passed = status is not None and status.get("status") == "PASS"
            group = "/".join(file.parts[:-1])
            verdicts.append(
                Verdict(group, file.name, test.get("name", ""), passed, "" if passed else told)
            )
    return verdicts


async def made_environment(folder: Path, suite: Path) -> Path:
    """Make an environment from the suite's requirements; return its interpreter."""
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        await _output(("python3", "-m", "venv", str(folder)))
        install = (str(interpreter), "-m", "pip", "install", "--quiet", "-r", "requirements.txt")
        await _output(install, suite)
    return interpreter


def _environment() -> dict[str, str]:
    """Return the environment without proxies: the suite asks this machine alone."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    kept.pop("PYTHONPATH", None)
    kept["PATH"] = f"{kept.get('PATH', '')}:/usr/sbin"
    return kept


async def _output(command: Sequence[str], folder: Path | None = None) -> str:
    done = await run_command(command, folder=folder, deadline_s=_INSTALLED_WITHIN_S)
    if done.status:
        raise RuntimeError(f"{command[0]} ended with {done.status}: {done.output}")
    return done.output.strip()
