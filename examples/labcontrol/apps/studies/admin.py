"""Studies in the admin."""

from django.contrib import admin

from apps.studies.models import Study


@admin.register(Study)
class StudyAdmin(admin.ModelAdmin):
    list_display = ("title", "file", "state")
    list_filter = ("state",)
