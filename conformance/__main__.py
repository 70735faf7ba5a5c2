"""Run the NGSI-LD conformance suite: ``python -m conformance SUITE_FOLDER [GROUP ...]``."""

import asyncio
import logging
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path

from beffroi.exchange.contexts.known import known_documents
from beffroi.kernel.clock import SystemClock
from conformance.report import table, write_report
from conformance.served_door import served_door
from conformance.suite import Suite, made_environment
from conformance.token_proxy import token_proxy

_STAND_INS = Path(__file__).parent / "contexts"
"""@contexts of others that the suite names, as little of them as it needs."""


def main() -> int:
    """Run what the command line asks for; the status tells whether all of it passed."""
    parser = ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("suite", type=Path, help="the clone of the suite")
    parser.add_argument("groups", nargs="*", help="folders below TP/NGSI-LD; none: all")
    parser.add_argument(
        "--python", type=Path, help="an interpreter with the suite's requirements; none: make one"
    )
    parser.add_argument(
        "--environment",
        type=Path,
        default=Path(tempfile.gettempdir()) / "beffroi-conformance",
        help="where to make it",
    )
    parser.add_argument("--results", type=Path, help="where robot writes; none: thrown away")
    parser.add_argument("--no-report", action="store_true", help="leave bench/results as it is")
    return asyncio.run(_run(parser.parse_args()))


async def _run(asked: Namespace) -> int:
    logging.basicConfig(level=logging.ERROR)
    folder = asked.suite.resolve()
    interpreter = asked.python or await made_environment(asked.environment, folder)
    suite = Suite(folder, interpreter.absolute())
    with tempfile.TemporaryDirectory() as scratch:
        results = (asked.results or Path(scratch)).absolute()
        known = {**suite.known_contexts(), **known_documents(_STAND_INS)}
        async with (
            served_door(known) as (socket, token),
            token_proxy(socket, token) as port,
        ):
            verdicts = await suite.run(asked.groups, port, results)
    sys.stdout.write(table(verdicts) + "\n")
    for one in verdicts:
        if not one.passed:
            sys.stdout.write(f"{one.group}/{one.file}: {one.name}: {one.message[:300]}\n")
    if not asked.no_report:
        write_report(await suite.commit(), SystemClock().now().isoformat("T", "seconds"), verdicts)
    return 0 if all(one.passed for one in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
