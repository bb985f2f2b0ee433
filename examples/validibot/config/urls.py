"""The pages of the site: its admin."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("favicon.ico", RedirectView.as_view(url="/static/admin/img/icon-clock.svg")),
    path("admin/", admin.site.urls),
]
