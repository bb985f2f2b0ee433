"""The settings of one app (``app.conf``): checked when they are set, explained when they mean nothing here.

What each may be stands in ``settings_table``; the names of Celery that have no effect, with the reason, in
``settings_celery``. Nothing here reads the environment, and two apps share nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from copy import copy
from typing import Any

from msgspec import Struct

from horarium.address import masked, read_store
from horarium.clock import Seconds
from horarium.errors import InvalidSetting, UnknownSetting
from horarium.settings_celery import ACCEPTED, ALIASES, URLS
from horarium.settings_table import TABLE, Setting


class Notice(Struct, frozen=True):
    """Something about a chosen setting that its owner should know."""

    key: str
    text: str


class Settings(MutableMapping[str, Any]):
    """Settings by attribute or by item; a change is checked, kept, and counted in ``revision``.

    None stands for the default, where None is no value of its own. Deleting a setting brings its default back.
    Iterating gives every setting that has an effect, and those of Celery's that were set.
    Setting raises: UnknownSetting with the nearest name, InvalidSetting with what is expected and a remedy.
    """

    revision: int

    store: str
    result_backend: str | None
    durability: str
    include: tuple[str, ...]
    imports: tuple[str, ...]
    timezone: str
    enable_utc: bool
    beat_schedule: dict[str, Any]
    beat_max_loop_interval: Seconds
    task_default_queue: str
    task_default_priority: int
    task_routes: Any
    task_time_limit: Seconds | None
    task_soft_time_limit: Seconds | None
    task_track_started: bool
    task_ignore_result: bool
    task_acks_late: bool | None
    task_publish_timeout: Seconds
    task_always_eager: bool
    task_eager_propagates: bool
    task_store_eager_result: bool
    max_payload_bytes: int
    task_serializer: str
    accept_content: Any
    result_expires: Seconds | None
    max_result_bytes: int
    result_serializer: str
    result_accept_content: Any
    worker_concurrency: int | None
    worker_pool: str
    worker_max_tasks_per_child: int | None
    worker_max_memory_per_child: int | None
    worker_lease: Seconds
    worker_sweep: Seconds
    worker_grace: Seconds
    worker_crash_limit: int
    worker_output_limit: int
    worker_hijack_root_logger: bool
    worker_redirect_stdouts: bool
    worker_redirect_stdouts_level: str | int
    worker_log_format: str
    worker_task_log_format: str

    def __init__(self, mapping: Mapping[str, Any] | None = None, /, **settings: Any) -> None:
        # Values live in the instance's own dict: reading one costs no more than any attribute.
        own = self.__dict__
        own.update((name, copy(setting.default)) for name, setting in TABLE.items())
        own["revision"] = 0
        own["_chosen"] = {}  # what was set, by name, in order
        self.update(mapping, **settings)

    def update(self, mapping: Any = None, /, **settings: Any) -> None:
        """Set several settings, all or none; a keyword wins over its twin in ``mapping``."""
        # Any for mapping: whatever dict() takes.
        wanted = _by_our_names({**dict(mapping or ()), **settings})
        store = _checked("store", wanted["store"], "") if "store" in wanted else self.store
        checked = {name: _checked(name, value, store) for name, value in wanted.items()}
        for name, value in checked.items():
            self._keep(name, value)

    def update_from(self, source: Mapping[str, Any], *, namespace: str = "CELERY") -> None:
        """Take the settings from among others: those in capitals that begin with the namespace, such as
        ``CELERY_TASK_ROUTES`` in a Django project's settings."""
        prefix = f"{namespace}_"
        self.update({key.removeprefix(prefix).lower(): source[key] for key in source if key.startswith(prefix)})

    def explain(self) -> list[Notice]:
        """Return what the owner of these settings should know: those set without effect, and those that cost."""
        notices = [Notice(name, ACCEPTED[name]) for name in self._chosen if name in ACCEPTED]
        chosen = self._chosen
        return notices + [Notice(name, text) for name, value, text in _CAVEATS if chosen.get(name, _UNSET) == value]

    # MutableMapping, and the same by attribute.

    def __getitem__(self, name: str) -> Any:
        name = ALIASES.get(name, name)
        if name in TABLE:
            return self.__dict__[name]
        if name in ACCEPTED or name in URLS:
            return self._chosen.get(name)
        raise _unknown(name)

    def __setitem__(self, name: str, value: Any) -> None:
        name = ALIASES.get(name, name)
        self._keep(name, _checked(name, value, self.store))

    def __delitem__(self, name: str) -> None:
        name = ALIASES.get(name, name)
        self[name]  # raises for a name that is not known
        self._chosen.pop(name, None)
        if name in TABLE:
            self.__dict__[name] = copy(TABLE[name].default)
        self.__dict__["revision"] += 1

    def __iter__(self) -> Iterator[str]:
        yield from TABLE
        yield from (name for name in self._chosen if name not in TABLE)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in TABLE or name in self._chosen

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or ``default`` for one that is neither known nor set."""
        if name in self or name in ALIASES:
            return self[name]
        return default

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __getattr__(self, name: str) -> Any:
        # Only for names that are not in the instance: Celery's without effect, and mistakes.
        try:
            return self[name]
        except UnknownSetting as error:
            raise AttributeError(str(error)) from None  # hasattr and copy rely on this class

    def __repr__(self) -> str:
        return f"<Settings {', '.join(self._chosen) or 'all at their defaults'}>"  # values may be secret

    def _keep(self, name: str, value: Any) -> None:
        self._chosen[name] = value
        if name in TABLE:
            self.__dict__[name] = value
        self.__dict__["revision"] += 1


def _checked(name: str, value: Any, store: str) -> Any:
    """Return the value as it is kept. Raises: UnknownSetting, InvalidSetting."""
    if name in URLS:
        if value is not None and _spelt_as_ours(value) != store:
            raise InvalidSetting(name, "None", _shown(value), URLS[name])
        return value
    if name in ACCEPTED:
        return value
    setting = TABLE.get(name)
    if setting is None:
        raise _unknown(name)
    if value is None and not setting.kind.takes_none:
        return copy(setting.default)
    try:
        return setting.kind.read(value)
    except (ValueError, TypeError) as error:
        raise InvalidSetting(
            name, setting.kind.expected, _shown(value), str(error) or _default_remedy(setting)
        ) from None


def _by_our_names(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return settings without Celery's names for ours. Raises: InvalidSetting where the two of a pair differ."""
    ours = {name: value for name, value in wanted.items() if name not in ALIASES}
    for alias, name in ALIASES.items():
        value = wanted.get(alias)
        if value is None:
            continue
        if ours.get(name) is not None and _spelt_as_ours(ours[name]) != _spelt_as_ours(value):
            raise InvalidSetting(alias, f"the same as {name}", _shown(value), f"leave one of {alias} and {name} out")
        ours[name] = value
    return ours


def _spelt_as_ours(address: object) -> object:
    """Return an address as it would be kept, to compare it; one that cannot be read as it is."""
    try:
        return read_store(address)
    except ValueError:
        return address


def _unknown(name: object) -> UnknownSetting:
    from difflib import get_close_matches

    known = (*TABLE, *ACCEPTED, *URLS, *ALIASES)
    near = get_close_matches(str(name).lower(), known, 1)
    return UnknownSetting(str(name), near[0] if near else None)


def _default_remedy(setting: Setting) -> str:
    return f"leave it out for the default, {setting.default!r}"


def _shown(value: object) -> object:
    """Return a value as people may see it: complaints end up in logs."""
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return masked(value) if isinstance(value, str) else value


_UNSET = object()

# A setting, the value that has a price, and the price.
_CAVEATS: tuple[tuple[str, object, str], ...] = (
    ("enable_utc", False, "has no effect in Horarium: instants are kept in UTC, schedules are read in `timezone`"),
    ("task_acks_late", False, "every task runs at most once: one whose process dies is lost (state DEAD)"),
    ("result_backend", None, "no results are kept: get() raises ResultsNotKept; states and errors can still be read"),
    ("durability", "relaxed", "what was accepted in the last moments before a power cut may be lost"),
    ("task_always_eager", True, "tasks run at the call: no store, no worker and no retries later are involved"),
)
