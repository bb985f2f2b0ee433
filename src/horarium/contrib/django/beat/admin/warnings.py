"""What keeps all rows of the list from firing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from horarium.contrib.django.beat.admin.standing import Standings
from horarium.contrib.django.beat.moments import is_database_scheduler

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
    try:
        return is_database_scheduler(named)
    except (ImportError, AttributeError):  # ``manage.py check`` says what is wrong with it
        return False
