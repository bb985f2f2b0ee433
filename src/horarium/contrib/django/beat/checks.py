"""What ``manage.py check`` says of the tables of schedules; those checks that read rows run with ``--database`` and
before ``migrate``.

Nothing here is an error that keeps a site from starting: schedules that are wrong hurt nobody but themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.core import checks
from django.db import connections, router

from horarium.app import current
from horarium.app.app import Horarium
from horarium.contrib.django.beat.models import PeriodicTask
from horarium.contrib.django.beat.moments import is_database_scheduler
from horarium.contrib.django.beat.settings_rows import read_entries
from horarium.errors import HorariumError

_NAMED = 5  # tasks that one message names

Messages = list[checks.CheckMessage]


def register() -> None:
    """Let Django run these checks. Idempotent."""
    checks.register(check_zone, checks.Tags.compatibility)
    checks.register(check_entries, checks.Tags.compatibility)
    checks.register(check_scheduler, checks.Tags.database)
    checks.register(check_tasks, checks.Tags.database)


def check_zone(app_configs: Any, **_: Any) -> Messages:
    """Is CELERY_TIMEZONE a zone?"""
    named = getattr(settings, "CELERY_TIMEZONE", None)
    if named is None or str(named) in available_timezones():
        return []
    return [
        checks.Warning(
            f"expected CELERY_TIMEZONE to be the name of a time zone, got {named!r}; crontabs get UTC instead",
            hint="write an IANA name such as 'Europe/Berlin'; `pip install tzdata` where the system has no zones",
            id="horarium.beat.W001",
        )
    ]


def check_entries(app_configs: Any, **_: Any) -> Messages:
    """Can each entry of the settings' schedule be read?"""
    app = _readable_app()
    if app is None:
        return []
    _, _, unreadable = read_entries(app, app.raw_entries())
    return [
        checks.Warning(
            f"an entry of beat_schedule cannot be read: {reason}",
            hint="correct it: until then it does not run, or as it was when it could be read last",
            id="horarium.beat.W002",
        )
        for reason in unreadable.values()
    ]


def check_scheduler(app_configs: Any, databases: Sequence[str] | None = None, **_: Any) -> Messages:
    """Are there rows, and a scheduler that does not read them?"""
    app = _readable_app()
    using = _database(databases)
    if app is None or using is None or _reads_tables(app):
        return []
    count = PeriodicTask.objects.using(using).filter(enabled=True).count()
    if not count:
        return []
    return [
        checks.Warning(
            f"{count} enabled periodic tasks stand in the database, and the setting beat_scheduler, which is "
            f"{app.conf.beat_scheduler!r}, does not read them",
            hint="set CELERY_BEAT_SCHEDULER = 'django', or start `horarium beat --scheduler django`",
            id="horarium.beat.W003",
        )
    ]


def check_tasks(app_configs: Any, databases: Sequence[str] | None = None, **_: Any) -> Messages:
    """Does the app know the tasks that enabled rows name?"""
    app = _readable_app()
    using = _database(databases)
    if app is None or using is None:
        return []
    rows = PeriodicTask.objects.using(using).filter(enabled=True)
    named = set(rows.order_by().values_list("task", flat=True).distinct())
    if not named:
        return []
    try:
        app.import_includes()
    except Exception as error:  # noqa: BLE001  # of the project's own modules: it must hinder no migration
        return [
            checks.Warning(
                f"the tasks of app {app.main!r} cannot be imported: {type(error).__name__}: {error}",
                hint="correct the module: a worker would not start, and periodic tasks cannot be compared with it",
                id="horarium.beat.W005",
            )
        ]
    unknown = sorted(named - set(app.tasks))
    if not unknown:
        return []
    more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    return [
        checks.Warning(
            f"periodic tasks in the database name tasks that app {app.main!r} does not know: "
            f"{', '.join(unknown[:_NAMED])}{more}",
            hint="correct the names, import the tasks (app.autodiscover_tasks(), or the setting imports), or disable "
            "the rows; until a worker knows them they do not fire",
            id="horarium.beat.W004",
        )
    ]


def _readable_app() -> Horarium | None:
    """Return the project's app, if its settings can be read; where they cannot, horarium.E001 says so."""
    app: Horarium | None = current.find_current_app()
    try:
        if app is not None:
            app.conf.finalize()
    except HorariumError:
        return None
    return app


def _reads_tables(app: Horarium) -> bool:
    try:
        return is_database_scheduler(app.conf.beat_scheduler)
    except (ImportError, AttributeError):
        return True  # it names nothing: the scheduler itself says so


def _database(databases: Sequence[str] | None) -> str | None:
    """Return the database with the rows, if it is to be looked at and has the table."""
    using: str = router.db_for_read(PeriodicTask)
    if using not in (databases or ()):
        return None
    return using if PeriodicTask._meta.db_table in connections[using].introspection.table_names() else None
