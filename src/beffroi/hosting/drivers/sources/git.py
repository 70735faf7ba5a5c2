"""A Git repository."""

import os
import shutil
from pathlib import Path

from beffroi.kernel.errors import FailedError
from beffroi.kernel.processes.commands import run_command
from beffroi.territory.model import Source

_CLONE_WITHIN_S = 300.0
_READ_WITHIN_S = 20.0


class GitSource:
    """Takes one commit, without its history."""

    async def fetch(self, source: Source, into: Path) -> str:
        """Check the commit out."""
        into.mkdir()
        await _git(into, source, "init", "--quiet")
        await _git(into, source, "fetch", "--quiet", "--depth=1", source.git, source.ref)
        await _git(into, source, "checkout", "--quiet", "FETCH_HEAD")
        commit = await _git(into, source, "rev-parse", "--short=12", "HEAD")
        shutil.rmtree(into / ".git")
        return f"{source.git}@{commit.strip()}"


async def _git(folder: Path, source: Source, *arguments: str) -> str:
    """Run git without the machine's own settings, hooks, prompts or odd transports."""
    fetching = arguments[0] == "fetch"
    result = await run_command(
        ["git", "-c", "core.hooksPath=/dev/null", *arguments],
        deadline_s=_CLONE_WITHIN_S if fetching else _READ_WITHIN_S,
        environment={
            **os.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": "file:https:ssh",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "GIT_DIR": str(folder / ".git"),
            "GIT_WORK_TREE": str(folder),
        },
        folder=folder,
    )
    if result.status != 0:
        raise FailedError(
            "hosting.git_failed",
            repository=source.git,
            ref=source.ref,
            reason="no answer in time" if result.timed_out else result.output.strip(),
        )
    return result.output
