"""The right to run a periodic task now, apart from the right to change it.

It is a row of Django's permissions and no part of the model, whose options would otherwise differ from those that the
migrations of the label know.
"""

from __future__ import annotations

from typing import Any

RUN = "run_periodictask"
RUN_NAME = "Can run periodic task now"


def grant_can_be_given(*, using: str, apps: Any = None, **_: Any) -> None:  # Any: Django's registry, past or present
    """Store the permission, if the database keeps permissions. Idempotent; called after each ``migrate``."""
    from django.apps import apps as present
    from django.db import router

    registry = apps or present
    try:
        permission = registry.get_model("auth", "Permission")
        content_type = registry.get_model("contenttypes", "ContentType")
    except LookupError:  # a project without users
        return
    if not router.allow_migrate_model(using, permission) or not router.allow_migrate_model(using, content_type):
        return
    kind, _made = content_type.objects.using(using).get_or_create(app_label="django_celery_beat", model="periodictask")
    permission.objects.using(using).get_or_create(codename=RUN, content_type=kind, defaults={"name": RUN_NAME})
