"""System checks of the app ``horarium.contrib.django``: what would not work, or not as it seems.

Each has an id of its own, to be silenced by ``SILENCED_SYSTEM_CHECKS``. They open no store; only the check of the
outbox's tables, which is one of databases (``manage.py migrate``, ``check --database``), asks a database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks, mail
from django.db import DatabaseError, connections

from horarium.contrib.django import outbox
from horarium.contrib.django.models import OutboxMessage
from horarium.contrib.django.project import project_app
from horarium.errors import HorariumError, ImproperlyConfigured

if TYPE_CHECKING:
    from horarium.app.app import Horarium

READ_BY_FRAMEWORK = frozenset({"CELERY_DB_REUSE_MAX"})
_OF_CALLS = ("args", "kwargs")


def register() -> None:
    """Let Django run them with its own."""
    checks.register(check_app, "horarium")
    checks.register(check_outboxes, checks.Tags.database)


def check_app(app_configs: Any = None, **_: Any) -> list[checks.CheckMessage]:
    """W001: there is no app. E001: its settings cannot be read. W002 to W005: see docs/how-to/use-with-django.md."""
    try:
        app = project_app()
    except ImproperlyConfigured as error:
        return [checks.Warning(str(error), id="horarium.W001")]
    try:
        app.conf.finalize()
    except HorariumError as error:
        return [checks.Error(str(error), id="horarium.E001")]
    return [*_store_of_tests(app), *_relative_store(app), *_unknown_settings(app), *_naive_moments(app)]


def check_outboxes(databases: Iterable[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """W006: HORARIUM_OUTBOX is set, and a database has no table for it. No error: `migrate` itself runs this first."""
    missing = [alias for alias in databases or () if outbox.is_on(alias) and not _has_outbox(alias)]
    return [
        checks.Warning(
            f"expected the table {OutboxMessage._meta.db_table} in the database {alias!r}, for {outbox.SETTING} is "
            f"set; it is not there: {outbox.remedy(alias)}",
            id="horarium.W006",
        )
        for alias in missing
        if alias in settings.DATABASES
    ]


def _has_outbox(alias: str) -> bool:
    try:
        with connections[alias].cursor() as cursor:
            tables = connections[alias].introspection.table_names(cursor)
    except DatabaseError:
        return True  # a database that does not answer has worse to tell, and tells it itself
    return OutboxMessage._meta.db_table in tables


def _store_of_tests(app: Horarium) -> list[checks.CheckMessage]:
    is_tested = hasattr(mail, "outbox")  # so does Django know a test environment
    if not app.conf.store.startswith("memory:") or settings.DEBUG or is_tested:
        return []
    text = (
        "expected a store that processes share, got memory://: what a web process sends, no worker will ever see; set "
        'CELERY_BROKER_URL, for instance to f"sqlite:///{BASE_DIR / \'horarium.db\'}" or "redis://localhost:6379/0"'
    )
    return [checks.Warning(text, id="horarium.W002")]


def _relative_store(app: Horarium) -> list[checks.CheckMessage]:
    store = app.conf.store
    path = store.removeprefix("sqlite:///").partition("?")[0]
    if path == store or path.startswith("/"):
        return []
    text = (
        f"expected the store to be one file, got {store}: each working directory has one of its own, and a worker may "
        "not see what the web server sends; set CELERY_BROKER_URL = f\"sqlite:///{BASE_DIR / 'horarium.db'}\""
    )
    return [checks.Warning(text, id="horarium.W003")]


def _unknown_settings(app: Horarium) -> list[checks.CheckMessage]:
    prefix = f"{app.configuration.namespace or 'CELERY'}_"
    unknown = [name for name in app.conf.unknown() if name.startswith(prefix) and name not in READ_BY_FRAMEWORK]
    if not unknown:
        return []
    text = (
        f"expected settings that begin with {prefix} to be Celery's or Horarium's, got {', '.join(sorted(unknown))}; "
        "correct the names, or silence this where a package of its own reads them"
    )
    return [checks.Warning(text, id="horarium.W004")]


def _naive_moments(app: Horarium) -> list[checks.CheckMessage]:
    named = [
        f"{name}: {moment.isoformat()}"
        for name, entry in (app.conf.beat_schedule or {}).items()
        if isinstance(entry, Mapping)
        for moment in _moments(entry)
        if moment.tzinfo is None
    ]
    if not named:
        return []
    text = (
        f"expected the moments in beat_schedule to name their zone, got {', '.join(named)}; they are read as UTC: "
        "write datetime(..., tzinfo=timezone.utc), or the zone that is meant"
    )
    return [checks.Warning(text, id="horarium.W005")]


def _moments(value: Any) -> list[datetime]:
    """Return the moments of an entry, wherever they stand in it; those among a call's arguments are no concern here."""
    match value:
        case datetime():
            return [value]
        case Mapping():
            return [moment for key, each in value.items() if key not in _OF_CALLS for moment in _moments(each)]
        case list() | tuple():
            return [moment for each in value for moment in _moments(each)]
    return []
