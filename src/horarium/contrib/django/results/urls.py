"""Where browsers ask of runs: ``path("celery/", include("horarium.contrib.django.results.urls"))``.

The names are django-celery-results'. With ``DJANGO_CELERY_RESULTS_ID_FIRST_URLS`` (True by default) the paths that
begin with the id are there, too.
"""

from __future__ import annotations

from django.conf import settings
from django.urls import path, register_converter
from django.urls.converters import get_converters

from horarium.contrib.django.results import views


class TaskPatternConverter:
    """Ids as they come: UUIDs mostly, and whatever word of letters, digits, dots and hyphens a caller has chosen."""

    regex = r"[\w\-.]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


if "task_pattern" not in get_converters():
    register_converter(TaskPatternConverter, "task_pattern")

urlpatterns = [
    path("task/done/<task_pattern:task_id>/", views.is_task_successful, name="celery-is_task_successful"),
    path("task/status/<task_pattern:task_id>/", views.task_status, name="celery-task_status"),
    path("group/done/<task_pattern:group_id>/", views.is_group_successful, name="celery-is_group_successful"),
    path("group/status/<task_pattern:group_id>/", views.group_status, name="celery-group_status"),
]
if getattr(settings, "DJANGO_CELERY_RESULTS_ID_FIRST_URLS", True):
    urlpatterns += [
        path("<task_pattern:task_id>/done/", views.is_task_successful, name="celery-is_task_successful"),
        path("<task_pattern:task_id>/status/", views.task_status, name="celery-task_status"),
        path("<task_pattern:group_id>/group/done/", views.is_group_successful, name="celery-is_group_successful"),
        path("<task_pattern:group_id>/group/status/", views.group_status, name="celery-group_status"),
    ]
