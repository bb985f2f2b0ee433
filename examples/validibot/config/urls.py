"""The pages of the site: its admin."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

urlpatterns = [path("", RedirectView.as_view(url="/admin/")), path("admin/", admin.site.urls)]
