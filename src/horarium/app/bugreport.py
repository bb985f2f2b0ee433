"""What somebody who helps wants to know first: versions, platform, the settings that were chosen; no secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from horarium.address import masked
from horarium.settings_table import TABLE
from horarium.version import __version__

if TYPE_CHECKING:
    from horarium.app.app import Horarium

LIBRARIES = ("msgspec", "apsw", "click", "redis", "hiredis", "psycopg", "django")
SECRET = re.compile(r"pass|secret|token|key|credential|signature|auth|dsn|dashboard_users", re.IGNORECASE)
NOT_SECRET = re.compile(r"routing_key", re.IGNORECASE)
HIDDEN = "********"
CALLED = ("args", "kwargs")  # of an entry of beat_schedule


def bugreport(app: Horarium) -> str:
    """Return the report, one fact per line. Asks no store."""
    import platform

    lines = {
        "software": f"horarium:{__version__} py:{platform.python_version()}",
        "libraries": " ".join(f"{name}:{found}" for name in LIBRARIES if (found := _version(name))),
        "platform": f"system:{platform.system()} kernel:{platform.release()} machine:{platform.machine()} "
        f"imp:{platform.python_implementation()}",
        "app": f"{app.main} tasks:{len(app.tasks.own)} schedules:{len(app.raw_entries())}",
        "settings": f"store:{' results:'.join(app.connection.shown)}"
        + (f" archive:{app.conf.result_backend}" if app.connection.is_archived else ""),
    }
    head = "\n".join(f"{label:<10}-> {text}" for label, text in lines.items())
    chosen = "\n".join(f"{name}: {hidden(name, value)!r}" for name, value in _chosen(app).items())
    return f"{head}\n\n{chosen}".rstrip() + "\n"


def hidden(name: str, value: Any) -> Any:  # Any: whatever a setting holds
    """Return a setting's value as people may see it: no passwords, tokens, keys, at any depth; nor what schedules pass
    to tasks, for which of that is secret only the tasks know."""
    if name == "beat_schedule" and isinstance(value, Mapping):
        return {key: _without_arguments(str(key), entry) for key, entry in value.items()}
    if isinstance(value, Mapping) and name != "dashboard_users":
        return {key: hidden(str(key), each) for key, each in value.items()}
    if value and SECRET.search(name) and not NOT_SECRET.search(name) and not isinstance(value, bool):
        return HIDDEN
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list | tuple):
        return type(value)(hidden(name, each) for each in value) if type(value) in (list, tuple) else value
    return value


def _without_arguments(name: str, entry: Any) -> Any:  # Any: as above
    if not isinstance(entry, Mapping):
        return hidden(name, entry)
    return {key: HIDDEN if each and key in CALLED else hidden(str(key), each) for key, each in entry.items()}


def _chosen(app: Horarium) -> dict[str, Any]:
    conf = app.conf
    return {name: conf[name] for name in conf if name not in TABLE or conf[name] != TABLE[name].default}


def _version(name: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None
