"""The municipal site of Le Mans with an editor inside: serves, and does what stdin says.

Run with the interpreter of the site, in its folder. The argument is the port. Each line names what
an editor does; the answer is a line of JSON: ``null``, or the address of the page concerned.
"""

# mypy: ignore-errors
# What it imports is in the environment of the site, not in this one.

import json
import sys
from datetime import date, timedelta
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.core.files.images import ImageFile
from django.core.management import call_command
from django.db import transaction
from django.utils.timezone import now
from mairie.wsgi import application
from pages.models import HomePage, NewsIndexPage, NewsPage, ServiceIndexPage, ServicePage
from wagtail.contrib.redirects.models import Redirect
from wagtail.models import Page, PageViewRestriction

PIECE = "Le pont rouvre"


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing: the output is the editor's."""


def publish(page: Page) -> str:
    page.save_revision().publish()
    return page.get_url()


def publish_news() -> str:
    piece = NewsPage(title=PIECE, date=date(2030, 1, 1), category="vie", summary="x", body="y")
    NewsIndexPage.objects.get().add_child(instance=piece)
    return publish(piece)


def rewrite_news() -> str:
    piece = NewsPage.objects.filter(title=PIECE).last()
    piece.body = "<p>Le pont rouvre lundi.</p>"
    return publish(piece)


def schedule_news() -> str:
    piece = NewsPage.objects.filter(title=PIECE).last()
    piece.summary = "Le pont rouvre mardi."
    piece.go_live_at = now() + timedelta(milliseconds=200)
    return publish(piece)


def draft_service() -> str:
    service = ServicePage.objects.first()
    service.summary = "Un brouillon."
    service.save_revision()
    return service.get_url()


def rewrite_service() -> str:
    service = ServicePage.objects.order_by("path").first()
    service.body = "<p>Ouvert le samedi.</p>"
    return publish(service)


def mention_service() -> str:
    home, service = HomePage.objects.get(), ServicePage.objects.order_by("path").first()
    piece = NewsPage.objects.order_by("date").first()
    piece.body = f'<p><a linktype="page" id="{service.pk}">Le service</a> de {home.title}</p>'
    return publish(piece)


def rename_service() -> str:
    service = ServicePage.objects.order_by("path").first()
    service.slug = "nouvelle-adresse"
    return publish(service)


def retitle_services() -> str:
    index = ServiceIndexPage.objects.get()
    index.title = "Tous les services"
    return publish(index)


def replace_picture() -> str:
    service = ServicePage.objects.order_by("path").first()
    picture, other = service.picture, HomePage.objects.get().picture
    with other.file.open() as file:
        picture.file = ImageFile(file, name="remplacement.png")
        picture.save()
    # As Wagtail's own form does.
    picture.renditions.all().delete()
    return service.get_url()


def redirect_old_address() -> str:
    Redirect.add_redirect("/ancienne-page", redirect_to="/contact/")
    return "/ancienne-page"


def unpublish_news() -> str:
    piece = NewsPage.objects.filter(title=PIECE).last()
    piece.unpublish()
    return piece.get_url()


def delete_service() -> str:
    service = ServicePage.objects.order_by("path").first()
    address = service.get_url()
    service.delete()
    return address


def move_services() -> str:
    index = ServiceIndexPage.objects.get()
    index.slug = "prestations"
    return publish(index)


def give_up() -> str:
    with transaction.atomic():
        address = retitle_services()
        transaction.set_rollback(True)
    return address


def close_service() -> str:
    service = ServicePage.objects.order_by("path").first()
    PageViewRestriction.objects.create(page=service, restriction_type="login")
    return service.get_url()


DEEDS = {
    deed.__name__: deed
    for deed in (
        publish_news,
        rewrite_news,
        schedule_news,
        draft_service,
        rewrite_service,
        mention_service,
        rename_service,
        retitle_services,
        replace_picture,
        redirect_old_address,
        unpublish_news,
        delete_service,
        move_services,
        close_service,
        give_up,
    )
}


def _say(outcome: str | None) -> None:
    sys.stdout.write(f"{json.dumps(outcome)}\n")
    sys.stdout.flush()


def main() -> None:
    """Serve, say so, and obey."""
    server = make_server("127.0.0.1", int(sys.argv[1]), application, handler_class=_Silent)
    Thread(target=server.serve_forever, daemon=True).start()
    _say(None)
    for line in sys.stdin:
        name = line.strip()
        deed = DEEDS.get(name)
        outcome = deed() if deed else call_command(name)
        _say(outcome)


if __name__ == "__main__":
    main()
