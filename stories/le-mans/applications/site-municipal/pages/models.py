"""Define the kinds of pages that the municipal editors write."""

from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, InlinePanel, MultiFieldPanel
from wagtail.contrib.forms.models import AbstractFormField, FormMixin
from wagtail.contrib.forms.panels import FormSubmissionsPanel
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.rich_text import get_text_for_indexing
from wagtail.search import index

from beffroi_django import add_tags
from pages.search_words import without_accents
from pages.tags import MENU, link_tag, list_tag, page_tag

PROSE_FEATURES = ["h2", "h3", "bold", "italic", "ol", "ul", "link", "document-link", "image"]
NEWS_PER_PAGE = 9
NEWS_ON_HOME = 3
SERVICES_ON_HOME = 8


class MunicipalPage(Page):
    """What every page of the site shares: its public address and its search index."""

    # The fields of the class, rich or plain, in which a visitor's words are searched.
    prose_fields: tuple[str, ...] = ()
    # The kinds of pages that the template lists.
    listed_kinds: tuple[str, ...] = ()
    search_fields = [
        *Page.search_fields,
        index.SearchField("bare_title", boost=3),
        index.SearchField("bare_prose"),
    ]

    class Meta:
        abstract = True

    @property
    def bare_title(self) -> str:
        """Give the title without accents, for the search index."""
        return without_accents(self.title)

    @property
    def bare_prose(self) -> str:
        """Give the texts without accents nor tags, for the search index."""
        texts = [get_text_for_indexing(getattr(self, name)) for name in self.prose_fields]
        return without_accents("\n".join(texts))

    def get_full_url(self, request: HttpRequest | None = None) -> str | None:
        """Build the absolute address, with the scheme that Wagtail cannot store in a Site.

        Wagtail infers ``http`` from any port but 443; the platform may serve TLS on another.
        """
        parts = self.get_url_parts(request)
        if parts is None or parts[2] is None:
            return None
        return settings.PUBLIC.url + str(parts[2])

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer under the tags of what the page shows."""
        response = super().serve(request, *args, **kwargs)
        above = self.get_ancestors().filter(depth__gt=1).values_list("pk", flat=True)
        lists = map(list_tag, self.listed_kinds)
        add_tags(response, page_tag(self.pk), MENU, *map(link_tag, above), *lists)
        return response


class IllustratedPage(MunicipalPage):
    """A page with a summary for the lists and an optional picture."""

    summary = models.TextField("chapeau", max_length=300)
    picture = models.ForeignKey(
        "wagtailimages.Image",
        verbose_name="illustration",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        abstract = True


class HomePage(MunicipalPage):
    """The entry of the site."""

    headline = models.CharField("accroche", max_length=120)
    introduction = models.TextField("introduction", max_length=400)
    notice = models.CharField("message d'information", max_length=250, blank=True)
    picture = models.ForeignKey(
        "wagtailimages.Image",
        verbose_name="illustration",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    content_panels = [
        *Page.content_panels,
        FieldPanel("headline"),
        FieldPanel("introduction"),
        FieldPanel("notice"),
        FieldPanel("picture"),
    ]
    listed_kinds = ("newspage", "newsindexpage", "servicepage", "serviceindexpage")
    parent_page_types = ["wagtailcore.Page"]
    max_count = 1

    class Meta:
        verbose_name = "accueil"

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the latest news and the first services."""
        context = super().get_context(request, *args, **kwargs)
        context["news"] = published_news()[:NEWS_ON_HOME]
        context["news_index"] = NewsIndexPage.objects.live().first()
        context["services"] = ServicePage.objects.live().order_by("path")[:SERVICES_ON_HOME]
        context["services_index"] = ServiceIndexPage.objects.live().first()
        return context


class NewsIndexPage(MunicipalPage):
    """The list of the news, latest first."""

    introduction = models.TextField("introduction", max_length=400, blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    listed_kinds = ("newspage",)
    subpage_types = ["pages.NewsPage"]

    class Meta:
        verbose_name = "rubrique d'actualités"

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add one sheet of the news."""
        context = super().get_context(request, *args, **kwargs)
        paginator = Paginator(published_news().child_of(self), NEWS_PER_PAGE)
        context["news"] = paginator.get_page(request.GET.get("page"))
        return context


class NewsCategory(models.TextChoices):
    """What a piece of news is about."""

    TOWN_LIFE = "vie", "Vie municipale"
    CULTURE = "culture", "Culture"
    NATURE = "nature", "Nature et cadre de vie"
    MOBILITY = "mobilite", "Se déplacer"
    YOUTH = "jeunesse", "Enfance et jeunesse"


class NewsPage(IllustratedPage):
    """One piece of news."""

    date = models.DateField("date de l'information")
    category = models.CharField("thème", max_length=10, choices=NewsCategory.choices)
    body = RichTextField("texte", features=PROSE_FEATURES)

    content_panels = [
        *Page.content_panels,
        FieldPanel("date"),
        FieldPanel("category"),
        FieldPanel("summary"),
        FieldPanel("picture"),
        FieldPanel("body"),
    ]
    prose_fields = ("summary", "body")
    parent_page_types = ["pages.NewsIndexPage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = "actualité"


def published_news() -> Any:
    """Return the query of the visible news, latest first, with their pictures."""
    return NewsPage.objects.live().order_by("-date", "-pk").select_related("picture")


class ServiceIndexPage(MunicipalPage):
    """The list of what the town hall does for its inhabitants."""

    introduction = models.TextField("introduction", max_length=400, blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    listed_kinds = ("servicepage",)
    subpage_types = ["pages.ServicePage"]

    class Meta:
        verbose_name = "rubrique de services"

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Add the services in the editors' order."""
        context = super().get_context(request, *args, **kwargs)
        services = ServicePage.objects.live().child_of(self).order_by("path")
        context["services"] = services.select_related("picture")
        return context


class ServicePage(IllustratedPage):
    """One municipal service: what it does, where and when."""

    body = RichTextField("texte", features=PROSE_FEATURES)
    address = models.CharField("adresse", max_length=200, blank=True)
    opening_hours = models.TextField("horaires", blank=True)
    phone = models.CharField("téléphone", max_length=20, blank=True)
    email = models.EmailField("courriel", blank=True)

    content_panels = [
        *Page.content_panels,
        FieldPanel("summary"),
        FieldPanel("picture"),
        FieldPanel("body"),
        MultiFieldPanel(
            [
                FieldPanel("address"),
                FieldPanel("opening_hours"),
                FieldPanel("phone"),
                FieldPanel("email"),
            ],
            heading="En pratique",
        ),
    ]
    prose_fields = ("summary", "body", "address")
    parent_page_types = ["pages.ServiceIndexPage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = "service"


class TextPage(MunicipalPage):
    """A page of plain text, such as the legal notice."""

    body = RichTextField("texte", features=PROSE_FEATURES)

    content_panels = [*Page.content_panels, FieldPanel("body")]
    prose_fields = ("body",)
    subpage_types: list[str] = []

    class Meta:
        verbose_name = "page de texte"


class ContactField(AbstractFormField):
    """One field of the contact form, chosen by the editors."""

    page = ParentalKey("pages.ContactPage", on_delete=models.CASCADE, related_name="form_fields")


class ContactPage(FormMixin, MunicipalPage):
    """A form whose answers the town hall reads in the administration."""

    introduction = RichTextField("introduction", features=["bold", "italic", "link"], blank=True)
    thanks = RichTextField("remerciement", features=["bold", "italic", "link"], blank=True)

    content_panels = [
        FormSubmissionsPanel(),
        *Page.content_panels,
        FieldPanel("introduction"),
        InlinePanel("form_fields", label="Champs du formulaire"),
        FieldPanel("thanks"),
    ]
    parent_page_types = ["pages.HomePage"]
    subpage_types: list[str] = []

    class Meta:
        verbose_name = "formulaire de contact"
