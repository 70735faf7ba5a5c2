"""What a run of the suite comes to, as a table and as data."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from conformance.suite import Verdict

RESULTS: Final = Path(__file__).parent.parent / "bench" / "results"
_NAME: Final = "exchange_conformance"
_MESSAGE_MOST: Final = 240


def counts(verdicts: Sequence[Verdict]) -> Mapping[str, tuple[int, int]]:
    """Return how many passed and how many there were, by group."""
    in_order = sorted(verdicts, key=lambda one: one.group)
    found = {}
    for group, members in groupby(in_order, key=lambda one: one.group):
        listed = list(members)
        found[group] = (sum(one.passed for one in listed), len(listed))
    return found


def table(verdicts: Sequence[Verdict]) -> str:
    """Return one line for each group, and one for all."""
    lines = ["| group | passed | of |", "| --- | ---: | ---: |"]
    lines += [
        f"| {group} | {passed} | {every} |" for group, (passed, every) in counts(verdicts).items()
    ]
    lines.append(f"| all | {sum(one.passed for one in verdicts)} | {len(verdicts)} |")
    return "\n".join(lines)


def write_report(commit: str, taken_at: str, verdicts: Sequence[Verdict]) -> None:
    """Keep the results beside those of the benches."""
    failed = sorted(
        (one for one in verdicts if not one.passed),
        key=lambda one: (one.group, one.file, one.name),
    )
    data = {
        "name": _NAME,
        "taken_at": taken_at,
        "suite_commit": commit,
        "groups": {
            group: {"passed": passed, "of": every}
            for group, (passed, every) in counts(verdicts).items()
        },
        "failed": failed,
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(data), indent=2)
    (RESULTS / f"{_NAME}.json").write_bytes(text + b"\n")
    failures = [f"- {one.group}/{one.file}: {one.name}: {_short(one.message)}" for one in failed]
    parts = [
        "# NGSI-LD conformance",
        f"Suite at commit {commit}, run on {taken_at} by `python -m conformance`.",
        table(verdicts),
        "## Failed",
        "\n".join(failures) or "None.",
    ]
    (RESULTS / f"{_NAME}.md").write_text("\n\n".join(parts) + "\n")


def _short(message: str) -> str:
    first = " ".join(message.split())
    return first if len(first) <= _MESSAGE_MOST else first[:_MESSAGE_MOST] + "..."
