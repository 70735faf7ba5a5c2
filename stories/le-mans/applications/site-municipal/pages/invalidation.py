"""Connect what changes the visitors' pages to the cache invalidation."""

from django.db.models.signals import post_delete
from wagtail.models import Page
from wagtail.signals import page_published, page_unpublished, post_page_move

from mairie.caching import note_content_change

for signal in (page_published, page_unpublished, post_page_move):
    signal.connect(note_content_change)
post_delete.connect(note_content_change, sender=Page)
