"""Compare what a change made stale with what was purged."""

from collections.abc import Mapping

import msgspec

from tests.integration.integrations.purge_door import PurgeDoor


class Answer(msgspec.Struct, frozen=True):
    """What a visitor was answered, and whether the platform keeps it.

    Attributes:
        body: Digest of what is seen.
    """

    status: int
    body: str
    tags: frozenset[str]
    stored: bool


Pages = Mapping[str, Answer]


def purged(pages: Pages, door: PurgeDoor) -> set[str]:
    """Name the stored pages that the platform forgets."""
    return {
        path
        for path, answer in pages.items()
        if answer.stored and (door.whole_site or answer.tags & door.tags or path in door.addresses)
    }


def changed(before: Pages, after: Pages) -> set[str]:
    """Name the stored pages that are not any more what a visitor would see."""
    return {
        path
        for path, answer in before.items()
        if answer.stored
        and (
            path not in after
            or (answer.status, answer.body) != (after[path].status, after[path].body)
        )
    }
