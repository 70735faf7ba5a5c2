"""Create the first pages of an empty site, once."""

from datetime import datetime, time
from io import BytesIO

from django.core.files.images import ImageFile
from django.utils.timezone import get_current_timezone
from wagtail.images.models import Image
from wagtail.models import Page, Site

from founding.content import FoundingContact, FoundingContent, FoundingIndex, read_content
from illustrations.scenes import SCENES
from pages.models import (
    ContactField,
    ContactPage,
    HomePage,
    NewsIndexPage,
    NewsPage,
    ServiceIndexPage,
    ServicePage,
    TextPage,
)
from pages.picture_shapes import SHAPES

PICTURE_TITLES = {
    "vieille-ville": "La vieille ville au crépuscule",
    "bords-de-riviere": "Un pont sur la rivière",
    "tramway": "Un tramway devant les maisons",
    "marche": "Le marché au pied de la cathédrale",
    "ecole": "Une école et ses arbres",
    "jeux": "Un toboggan dans un jardin",
    "parc": "Un parc en automne",
    "tri": "Quatre bacs de tri",
    "livres": "Des rayonnages de livres",
    "papiers": "Des papiers officiels",
    "chantier": "Un chantier de logements",
    "lumieres": "La vieille ville illuminée",
}


def found_site() -> HomePage:
    """Replace Wagtail's welcome page by the municipal site; call in a transaction."""
    content = read_content()
    pictures = draw_pictures()
    home = found_home(content, pictures)
    found_services(home, content, pictures)
    found_news(home, content, pictures)
    found_contact(home, content.contact)
    for text in content.plain:
        publish_under(home, TextPage(title=text.title, slug=text.slug, body=text.body))
    return home


def draw_pictures() -> dict[str, Image]:
    """Draw the illustrations and prepare the files that the templates show."""
    filters = [name for shape in SHAPES.values() for name in shape.filters]
    pictures = {}
    for name, draw in SCENES.items():
        file = ImageFile(BytesIO(draw().png()), name=f"{name}.png")
        picture = Image.objects.create(title=PICTURE_TITLES[name], file=file)
        picture.get_renditions(*filters)
        pictures[name] = picture
    return pictures


def publish_under(parent: Page, page: Page) -> None:
    """Add a page with a first revision, so that the editors have a history."""
    parent.add_child(instance=page)
    page.save_revision().publish()


def found_home(content: FoundingContent, pictures: dict[str, Image]) -> HomePage:
    """Create the home page and make it the entry of the default site."""
    text = content.home
    home = HomePage(
        title=text.title,
        slug="accueil",
        headline=text.headline,
        introduction=text.introduction,
        notice=text.notice,
        picture=pictures[text.scene],
        search_description=text.introduction,
    )
    publish_under(Page.get_first_root_node(), home)
    Site.objects.update_or_create(
        is_default_site=True, defaults={"root_page": home, "site_name": text.title}
    )
    for welcome in Page.objects.filter(depth=home.depth).exclude(pk=home.pk):
        welcome.delete()
    return home


def found_services(home: HomePage, content: FoundingContent, pictures: dict[str, Image]) -> None:
    """Create the services and their list."""
    services = publish_index(home, ServiceIndexPage, content.services_index)
    for service in content.services:
        page = ServicePage(
            title=service.title,
            slug=service.slug,
            summary=service.summary,
            search_description=service.summary,
            picture=pictures[service.scene],
            body=service.body,
            address=service.address,
            opening_hours=service.opening_hours,
            phone=service.phone,
            email=service.email,
        )
        publish_under(services, page)


def found_news(home: HomePage, content: FoundingContent, pictures: dict[str, Image]) -> None:
    """Create the news and their list."""
    news = publish_index(home, NewsIndexPage, content.news_index)
    for piece in content.news:
        page = NewsPage(
            title=piece.title,
            slug=piece.slug,
            date=piece.day,
            category=piece.category,
            summary=piece.summary,
            search_description=piece.summary,
            picture=pictures[piece.scene],
            body=piece.body,
            first_published_at=datetime.combine(piece.day, time(9), get_current_timezone()),
        )
        publish_under(news, page)


def publish_index(
    home: HomePage, kind: type[ServiceIndexPage] | type[NewsIndexPage], text: FoundingIndex
) -> Page:
    """Create a list of pages that the menu shows."""
    page = kind(
        title=text.title, slug=text.slug, introduction=text.introduction, show_in_menus=True
    )
    publish_under(home, page)
    return page


def found_contact(home: HomePage, text: FoundingContact) -> None:
    """Create the contact form."""
    contact = ContactPage(
        title=text.title,
        slug=text.slug,
        introduction=text.introduction,
        thanks=text.thanks,
        show_in_menus=True,
        form_fields=[
            ContactField(sort_order=place, **columns) for place, columns in enumerate(text.fields)
        ],
    )
    publish_under(home, contact)
