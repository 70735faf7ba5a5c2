"""Launch a process as the platform does; then wait to be killed."""

import sys
import time
from pathlib import Path

from beffroi.kernel.processes.launch import launch
from beffroi.kernel.processes.limits.rlimits import RlimitLimiter
from beffroi.kernel.processes.model import ProcessPlan


def main() -> None:
    folder, marker = Path(sys.argv[1]), sys.argv[2]
    plan = ProcessPlan(
        unit="survivor",
        command=("/bin/sh", "-c", "while :; do echo alive; sleep 0.05; done", marker),
        folder=folder / "survivor",
        log_path=folder / "survivor.log",
        environment={"PATH": "/usr/bin:/bin"},
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    launch(plan, RlimitLimiter("tests"))
    sys.stdout.write("launched\n")
    sys.stdout.flush()
    time.sleep(60)


main()
