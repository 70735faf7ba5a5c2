"""How many pages a perfect cache would have rendered on a replay: a check of what is measured."""

from collections.abc import Callable, Iterable

from bench.accelerator.day import Publication, View

Key = tuple[int, int, str]


def renders_with_life(
    events: Iterable[View | Publication], life_s: float, key: Callable[[View], Key]
) -> int:
    """Count the misses of a cache that keeps each answer for a life and drops none before."""
    stored_at: dict[Key, float] = {}
    renders = 0
    for event in events:
        if isinstance(event, View):
            found = stored_at.get(key(event))
            if found is None or event.at_s - found >= life_s:
                stored_at[key(event)] = event.at_s
                renders += 1
    return renders


def renders_with_purges(
    before: Iterable[View | Publication], events: Iterable[View | Publication]
) -> int:
    """Count the misses of a cache that drops what changed, after the days before."""
    stored: set[tuple[int, int]] = set()
    _misses(stored, before)
    return _misses(stored, events)


def by_address(view: View) -> Key:
    """Return what a usual cache keys a view with: its whole address."""
    return (view.site, view.page, view.tracking)


def _misses(stored: set[tuple[int, int]], events: Iterable[View | Publication]) -> int:
    misses = 0
    for event in events:
        if isinstance(event, Publication):
            stored.difference_update((event.site, page) for page in event.pages)
        elif (event.site, event.page) not in stored:
            stored.add((event.site, event.page))
            misses += 1
    return misses
