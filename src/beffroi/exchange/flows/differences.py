"""What applying a file does to the flows that are there; pure."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from beffroi.exchange.flows.model import ChangeKind, DeclarationChange, HeldFlow, PlannedFlow
from beffroi.exchange.model import Json

_FLOW = "flow"


def flow_changes(
    held: Sequence[HeldFlow], planned: Sequence[PlannedFlow], files: Mapping[str, bytes]
) -> Iterator[DeclarationChange]:
    """Tell which flows are added, changed and ended.

    Args:
        held: Those that the same file declared before.
        planned: Those that it declares now.
        files: What their companions hold now.
    """
    there = {one.name: one for one in held}
    for one in planned:
        before = there.pop(one.name, None)
        if before is None:
            yield DeclarationChange(ChangeKind.ADDED, _FLOW, one.name)
        elif fields := _fields(before, one, files):
            yield DeclarationChange(ChangeKind.CHANGED, _FLOW, one.name, fields)
    for name in there:
        yield DeclarationChange(ChangeKind.ENDED, _FLOW, name)


def companions_of(planned: PlannedFlow, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return what the companions of a flow hold, of those that came along."""
    return {name: files[name] for name in planned.companions if name in files}


def differing(before: Json, after: Json, path: str = "") -> Iterator[str]:
    """Give the paths at which two documents differ."""
    if before == after:
        return
    if not isinstance(before, dict) or not isinstance(after, dict):
        yield path
        return
    for name in [*before, *(one for one in after if one not in before)]:
        there = f"{path}.{name}" if path else name
        yield from differing(before.get(name), after.get(name), there)


def _fields(before: HeldFlow, after: PlannedFlow, files: Mapping[str, bytes]) -> tuple[str, ...]:
    found = list(
        differing(msgspec.json.decode(before.declared), msgspec.json.decode(after.declared))
    )
    if not found and before.declared != after.declared:
        # The same members in another order: that of columns, for instance.
        found.append("fields")
    now = companions_of(after, files)
    found += [
        name for name in sorted({*before.files, *now}) if before.files.get(name) != now.get(name)
    ]
    return tuple(found)
