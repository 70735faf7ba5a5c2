"""Map the addresses of the municipal site to its views."""

from django.urls import include, path
from wagtail import urls as page_urls
from wagtail.admin import urls as admin_urls
from wagtail.contrib.sitemaps.views import sitemap
from wagtail.documents import urls as document_urls

from pages import views

urlpatterns = [
    path("admin/", include(admin_urls)),
    path("documents/", include(document_urls)),
    path("media/<path:name>", views.media, name="media"),
    path("recherche/", views.search, name="search"),
    path("sitemap.xml", sitemap, name="sitemap"),
    path("robots.txt", views.robots, name="robots"),
    path("", include(page_urls)),
]

handler404 = "pages.views.not_found"
