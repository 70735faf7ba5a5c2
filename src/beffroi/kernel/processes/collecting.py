"""When Python looks for garbage that only cycles keep."""

import gc
from typing import Final

_ALLOCATIONS: Final = (20_000, 50, 100)


def collect_seldom() -> None:
    """Look seldom, and never again at what there is now: a process calls it once it is ready.

    Requests make many objects that go as soon as they are answered; looking for cycles among them
    takes a third of what a batch of entities costs.
    """
    gc.freeze()
    gc.set_threshold(*_ALLOCATIONS)
