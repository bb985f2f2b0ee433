"""Celery's settings under all the names that they have had, read as the names of today."""

from __future__ import annotations

from horarium.settings_celery import ACCEPTED, ALIASES, URLS
from horarium.settings_table import TABLE

KNOWN = frozenset({*TABLE, *ACCEPTED, *ALIASES, *URLS})
PREFIXES = ("CELERYBEAT_", "CELERYD_", "CELERY_", "BROKER_")

# Names of Celery 3 that say more than another prefix.
_RENAMED = {
    "celery_max_cached_results": "result_cache_max",
    "celery_task_result_expires": "result_expires",
    "celery_result_dburi": "database_url",
    "celery_result_engine_options": "database_engine_options",
    "celery_result_db_short_lived_sessions": "database_short_lived_sessions",
    "celery_result_db_tablenames": "database_table_names",
    "celery_message_compression": "task_compression",
    "celery_eager_propagates_exceptions": "task_eager_propagates",
    "celery_send_task_sent_event": "task_send_sent_event",
    "celery_send_events": "worker_send_task_events",
    "celeryd_worker_lost_wait": "worker_lost_wait",
}


def looks_like_a_setting(name: str) -> bool:
    """Is this a name in capitals that belongs to Celery, by its prefix?"""
    return name.isupper() and name.startswith(PREFIXES)


def key_of(name: str) -> str:
    """Return today's name of a setting written in any of Celery's ways; a name that is not known comes back in
    lower case, without the namespace ``CELERY_``."""
    lower = name.lower()
    if lower in KNOWN:
        return lower
    bare = lower.removeprefix("celery_")
    return bare if bare in KNOWN else new_name(name) or bare


def new_name(name: str) -> str | None:
    """Return today's name for one of Celery 3's (``CELERYD_CONCURRENCY``: worker_concurrency); None for any other."""
    lower = name.lower()
    if lower in _RENAMED:
        return _RENAMED[lower]
    for old, new in _MOVES:
        if lower.startswith(old) and (renamed := new + lower.removeprefix(old)) in KNOWN:
            return renamed
    return None


_MOVES = (
    ("celeryd_", "worker_"),
    ("celeryd_", ""),  # celeryd_task_time_limit
    ("celerybeat_", "beat_"),
    ("celery_", "task_"),
    ("celery_", "worker_"),
    ("celery_", ""),
)
