"""Say which stored pages each change of the editors makes stale, and have them purged.

``pages.tags`` names what each answer carries. Pages that mention another one, or a picture, are found
in Wagtail's index of references when it changes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save
from django.dispatch import receiver
from wagtail.contrib.redirects.models import Redirect
from wagtail.documents.models import Document
from wagtail.images.models import Image, Rendition
from wagtail.models import (
    CollectionViewRestriction,
    Page,
    PageViewRestriction,
    ReferenceIndex,
    Site,
)
from wagtail.signals import post_page_move

from beffroi_django import purge_later, purge_when_changed
from pages.tags import (
    ADDRESSES_WITHOUT_PAGE,
    MENU,
    SITEMAP,
    document_tag,
    link_tag,
    list_tag,
    page_tag,
)

# What saving a draft writes in the row of its page: no visitor sees any of it.
DRAFT_FIELDS = {
    "draft_title",
    "has_unpublished_changes",
    "latest_revision",
    "latest_revision_created_at",
}


@dataclass(frozen=True)
class Mention:
    """What other pages show of a page: its title, its address, its place in the menu."""

    title: str
    url_path: str
    live: bool
    in_menu: bool


def mention_of(page: Page) -> Mention | None:
    """Read what other pages show of a page, as it is in the database."""
    row = Page.objects.filter(pk=page.pk).values_list("title", "url_path", "live", "show_in_menus")
    return next((Mention(*columns) for columns in row), None)


def tags_of_references(mentioned: models.Model) -> Iterator[str]:
    """Name the tags of the pages, and of the lists of such pages, that show an object."""
    references = ReferenceIndex.get_references_to(mentioned)
    for kind_pk, page_pk in references.values_list("content_type", "object_id").distinct():
        kind = ContentType.objects.get_for_id(kind_pk)
        model = kind.model_class()
        if model is not None and issubclass(model, Page):
            yield page_tag(page_pk)
            yield list_tag(kind.model)


def stale_tags(page: Page, before: Mention | None, after: Mention | None) -> Iterator[str]:
    """Name the tags of the answers that a change of a page makes stale; none for a draft."""
    seen = [mention for mention in (before, after) if mention is not None and mention.live]
    if not seen:
        return
    yield page_tag(page.pk)
    yield list_tag(page.cached_content_type.model)
    yield SITEMAP
    if before == after:
        return
    yield from (link_tag(page.pk), ADDRESSES_WITHOUT_PAGE)
    yield from tags_of_references(page)
    if any(mention.in_menu for mention in seen):
        yield MENU


def purge_change(page: Page, before: Mention | None, after: Mention | None) -> None:
    """Purge what a change of a page makes stale; everything when it moves pages below it."""
    moved = before is not None and after is not None and before.url_path != after.url_path
    purge_later(tags=stale_tags(page, before, after), site=moved and page.get_children().exists())


@receiver(pre_save)
def note_former_mention(instance: models.Model, **_signal: object) -> None:
    """Remember what the visitors see of a page that is about to change."""
    if isinstance(instance, Page):
        instance.former_mention = mention_of(instance)


@receiver(post_save)
def purge_saved_page(
    instance: models.Model, update_fields: Iterable[str] | None = None, **_signal: object
) -> None:
    """Purge what a saved page made stale, whoever saved it: an editor, a job, a command."""
    is_draft = update_fields is not None and set(update_fields) <= DRAFT_FIELDS
    if isinstance(instance, Page) and not is_draft:
        purge_change(instance, instance.former_mention, mention_of(instance))


@receiver(pre_delete)
def purge_deleted_page(instance: models.Model, **_signal: object) -> None:
    """Purge what shows a page, while the references to it are still known."""
    if isinstance(instance, Page):
        purge_change(instance, mention_of(instance), None)


@receiver(post_page_move)
def purge_moved_page(
    instance: Page, url_path_before: str, url_path_after: str, **_signal: object
) -> None:
    """Purge the lists and the menu, whose order may have changed, and the former addresses."""
    after = mention_of(instance)
    if after is None:
        return
    before = Mention(after.title, url_path_before, after.live, after.in_menu)
    purge_change(instance, before, after)
    purge_later(tags=[MENU], site=url_path_before != url_path_after)


@receiver([post_save, pre_delete], sender=Image)
@receiver([post_save, pre_delete], sender=Document)
def purge_changed_file(instance: Image | Document, **_signal: object) -> None:
    """Purge the pages that show a picture or a document."""
    own = [document_tag(instance.pk)] if isinstance(instance, Document) else []
    purge_later(tags=[*own, *tags_of_references(instance)])


@receiver(post_delete, sender=Image)
@receiver(post_delete, sender=Rendition)
def purge_deleted_picture(instance: Image | Rendition, **_signal: object) -> None:
    """Purge the address of a file that is no more."""
    purge_later(urls=[instance.file.url])


@receiver([post_save, post_delete], sender=Site)
@receiver([post_save, post_delete], sender=PageViewRestriction)
@receiver([post_save, post_delete], sender=CollectionViewRestriction)
def purge_everything(**_signal: Any) -> None:
    """Purge the site: its addresses changed, or who may read a part of it."""
    purge_later(site=True)


purge_when_changed(Redirect, lambda redirect: [ADDRESSES_WITHOUT_PAGE])
