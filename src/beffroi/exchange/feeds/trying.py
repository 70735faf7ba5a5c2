"""Reading the sources of a file's feeds where the file is, each once."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from beffroi.exchange.feeds.declared import SourceKind
from beffroi.exchange.feeds.gathering import Gathered
from beffroi.exchange.feeds.mistakes import RowPlace, WrongValueError
from beffroi.exchange.feeds.polling import Validators
from beffroi.exchange.feeds.sources import AskedSources, EnvironmentSecrets
from beffroi.exchange.outgoing import Outgoing
from beffroi.kernel.errors import BeffroiError

_SQL_ROWS_MOST: Final = 1_000


def gather_all(gathered: Sequence[Gathered], folder: Path) -> None:
    """Read every source: files beside a file, and what is elsewhere, asked once.

    Args:
        gathered: Takes what the sources hold, and what is wrong with them.
        folder: Of the file that declares the feeds.
    """
    asked = [one for one in gathered if one.feed.kind in (SourceKind.POLL, SourceKind.SQL)]
    for one in gathered:
        if one not in asked:
            one.gather(folder)
    if asked:
        asyncio.run(_ask(asked))
    for one in gathered:
        if one.feed.kind is not SourceKind.FILE:
            one.tell_absent_columns()


async def _ask(gathered: Sequence[Gathered]) -> None:
    # Who tries a file asks from a machine of their own, whose network is theirs to reach.
    async with Outgoing(allow_internal=True) as outgoing:
        sources = AskedSources(outgoing, EnvironmentSecrets())
        for one in gathered:
            try:
                await _ask_one(one, sources)
            except BeffroiError as error:
                wrong = WrongValueError(error.code, "", "", error.values)
                one.refuse(RowPlace(one.feed.place, 1), wrong)


async def _ask_one(gathered: Gathered, sources: AskedSources) -> None:
    if gathered.feed.kind is SourceKind.POLL:
        await sources.poll("", gathered, Validators())
        return
    async for row in sources.rows("", gathered.feed, None):
        gathered.add(row)
        if gathered.read == _SQL_ROWS_MOST:
            return
