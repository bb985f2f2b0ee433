"""Who sits at the admin in tests, and what they fill in."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.test import Client

from horarium.contrib.django.beat.models import PeriodicTask

LIST = "/admin/django_celery_beat/periodictask/"


def desk_of(*rights: str) -> Client:
    """Return the client of a member of the staff with these rights, such as ``view_periodictask``; ``*``: all."""
    name = "boss" if "*" in rights else "staff"
    user = User.objects.create_user(name, is_staff=True, is_superuser="*" in rights)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def filled(**fields: Any) -> dict[str, Any]:
    """Return what a browser sends of the form of a periodic task, with these fields filled in."""
    return {
        "name": "news",
        "task": "shop.tasks.add",
        "enabled": "on",
        "args": "[]",
        "kwargs": "{}",
        "headers": "{}",
        **fields,
    }


def act(desk: Client, action: str, *tasks: PeriodicTask, **fields: Any) -> Any:
    """Choose rows of the list and an action."""
    chosen = {"action": action, "_selected_action": [task.pk for task in tasks], "index": 0}
    return desk.post(LIST, {**chosen, **fields})


def told(response: Any) -> list[str]:
    """Return the messages that the next page shows."""
    return [str(message) for message in get_messages(response.wsgi_request)]


def errors_of(response: Any) -> dict[str, list[str]]:
    """Return what a form that was not saved complains of, by field."""
    form = response.context["adminform"].form
    return {field: [str(each) for each in errors] for field, errors in form.errors.items()}
