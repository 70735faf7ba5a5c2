"""A bar that shows on a terminal how far a worker is."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from beffroi.kernel.processes.workers import Told

AnswerT = TypeVar("AnswerT")


def with_bar(ask: Callable[[Told], Coroutine[Any, Any, AnswerT]]) -> AnswerT:
    """Ask a worker, and show a bar on standard error until it answers."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=1.0)
        return asyncio.run(
            ask(lambda now: bar.update(task, completed=now.share, description=now.doing))
        )
