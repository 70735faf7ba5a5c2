"""Keep the stored pages of a Django site true: tags on answers, purges after commits.

Copy this file and ``beffroi_pages.py`` into the project, put ``PurgeMiddleware`` first among the
middleware, and say in an application's ``ready`` what a change makes stale::

    purge_when_changed(Event, lambda event: [f"event-{event.pk}", "events"])
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import models, transaction
from django.db.models.signals import post_delete, post_save
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from beffroi_pages import PurgeError, cache_groups, purge

logger = logging.getLogger("beffroi.pages")
_TAGS = "_beffroi_tags"


@dataclass
class _Batch:
    """What is to be purged at the end of a request."""

    tags: set[str] = field(default_factory=set)
    urls: set[str] = field(default_factory=set)
    site: bool = False


_batch: ContextVar[_Batch | None] = ContextVar("beffroi_batch", default=None)


def add_tags(response: HttpResponseBase, *tags: str) -> None:
    """Put an answer under tags, besides those that it has."""
    known = {*getattr(response, _TAGS, ()), *tags}
    setattr(response, _TAGS, known)
    response.headers["Cache-Groups"] = cache_groups(known)


def purge_later(*, tags: Iterable[str] = (), urls: Iterable[str] = (), site: bool = False) -> None:
    """Purge once the transaction is committed; never, when it is rolled back.

    Inside ``batched``, as in every request behind ``PurgeMiddleware``, all of it goes together at
    the end. An error is logged, not raised: what was published is published.
    """
    transaction.on_commit(partial(_gather, _Batch(set(tags), set(urls), site)))


@contextmanager
def batched() -> Iterator[None]:
    """Send what is purged within it at its end, together: for a command that changes a lot."""
    if _batch.get() is not None:
        yield
        return
    batch = _Batch()
    token = _batch.set(batch)
    try:
        yield
    finally:
        _batch.reset(token)
        _send(batch)


class PurgeMiddleware:
    """Purge what a request changed before its answer leaves; put it first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer within a batch."""
        with batched():
            return self.get_response(request)


def purge_when_changed(model: type[models.Model], tags: Callable[[Any], Iterable[str]]) -> None:
    """Purge tags whenever an object of a class is saved or deleted.

    Args:
        model: The class.
        tags: Names the tags of an object, as it is after the change.
    """

    def receive(instance: models.Model, **_signal: object) -> None:
        purge_later(tags=tags(instance))

    for signal in (post_save, post_delete):
        signal.connect(receive, sender=model, weak=False)


def _gather(more: _Batch) -> None:
    batch = _batch.get()
    if batch is None:
        _send(more)
        return
    batch.tags |= more.tags
    batch.urls |= more.urls
    batch.site |= more.site


def _send(batch: _Batch) -> None:
    try:
        purge(tags=batch.tags, urls=batch.urls, site=batch.site)
    except PurgeError as error:
        logger.error("pages may be stale tags=%s: %s", ",".join(sorted(batch.tags)), error)
