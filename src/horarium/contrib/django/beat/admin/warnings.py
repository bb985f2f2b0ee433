"""What keeps all rows of the list from firing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from horarium.contrib.django.beat.admin.standing import Standings
from horarium.scheduler.source import ALIASES, DJANGO

if TYPE_CHECKING:
    from horarium.app.app import Horarium


def warnings(app: Horarium | None, shown: Standings) -> list[str]:
    """Return what is to be said above the list; nothing if all is well."""
    said = [shown.trouble] if shown.trouble else []
    if app is not None and not reads_tables(app.conf.beat_scheduler):
        named = app.conf.beat_scheduler
        said.append(
            _(
                "The setting CELERY_BEAT_SCHEDULER is %(named)s, so a scheduler reads none of these rows unless its "
                "command says otherwise; set it to “django_celery_beat.schedulers:DatabaseScheduler”."
            )
            % {"named": _("not set") if named is None else f"“{named}”"}
        )
    if not shown.trouble and not shown.has_scheduler:
        said.append(_("No scheduler is alive, so nothing fires; start one: manage.py horarium beat"))
    return said


def reads_tables(named: str | None) -> bool:
    """Tell whether the setting ``beat_scheduler`` names a source that reads Django's tables."""
    if named is None:
        return False
    path = named if ":" in named or "." not in named else ":".join(named.rsplit(".", 1))
    path = ALIASES.get(path, path)
    if path == DJANGO:
        return True
    module, _separator, name = path.partition(":")
    try:
        found = getattr(import_module(module), name)
        ours = getattr(import_module(DJANGO.partition(":")[0]), DJANGO.partition(":")[2])
    except (ImportError, AttributeError):
        return False
    return isinstance(found, type) and issubclass(found, ours)
