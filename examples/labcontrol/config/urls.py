"""The pages of the site."""

from apps.appointments.views import appointments
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls), path("appointments/", appointments)]
