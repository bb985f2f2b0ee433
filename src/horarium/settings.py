"""The settings of one app (``app.conf``): checked when they are set, explained when they mean nothing here.

What each may be stands in ``settings_table``; the names of Celery that have no effect, with the reason, in
``settings_celery``; the other spellings of names in ``settings_names``. Nothing here reads the environment, and two
apps share nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from threading import get_ident
from typing import Any, Literal, TypeAlias, get_args

from horarium.address import masked, read_store
from horarium.alerting import Alerting
from horarium.clock import Seconds
from horarium.errors import InvalidSetting, UnknownSetting
from horarium.settings_celery import ACCEPTED, ALIASES, CHECKED, REFUSED, URLS
from horarium.settings_kinds import Kind, Setting
from horarium.settings_names import (
    NAMESPACE,
    check_spellings,
    current_name,
    refuse_slip,
    settings_among,
    unknown_setting,
)
from horarium.settings_table import TABLE
from horarium.settings_view import Notice, SettingsView

# Who may choose a setting, the strongest first: the command line, the environment, code that sets it on the app, a
# configuration that is read whole, defaults that libraries add.
Layer: TypeAlias = Literal["command", "environment", "code", "source", "defaults"]
LAYERS: tuple[Layer, ...] = get_args(Layer)


class Settings(SettingsView):
    """Settings by attribute or by item; a change is checked, kept, and counted in ``revision``.

    None stands for the default, where None is no value of its own. Deleting a setting brings its default back.
    Iterating gives every setting that has an effect, and those of Celery's that were set.
    Setting raises: UnknownSetting with the nearest name, InvalidSetting with what is expected and a remedy,
    ImproperlyConfigured for Celery's old and new names in one update.
    """

    revision: int

    store: str
    result_backend: str | None
    cache_backend: str | None
    durability: str
    include: tuple[str, ...]
    imports: tuple[str, ...]
    environment: str | None
    timezone: str
    enable_utc: bool
    beat_schedule: dict[str, Any]
    beat_scheduler: str | None
    beat_max_loop_interval: Seconds
    beat_cron_starting_deadline: Seconds | None
    task_default_queue: str
    task_default_priority: int
    task_priority_scheme: str
    task_queue_max_priority: int | None
    task_inherit_parent_priority: bool
    task_queues: tuple[str, ...] | None
    task_create_missing_queues: bool
    task_routes: Any
    task_annotations: Any
    task_default_rate_limit: str | float | None
    task_rate_limit_scope: str
    task_time_limit: Seconds | None
    task_soft_time_limit: Seconds | None
    task_track_started: bool
    task_ignore_result: bool
    task_acks_late: bool | None
    task_publish_timeout: Seconds
    task_allow_error_cb_on_chord_header: bool
    task_always_eager: bool
    task_eager_propagates: bool
    task_store_eager_result: bool
    max_payload_bytes: int
    task_serializer: str
    accept_content: Any
    result_expires: Seconds | None
    result_failure_expires: Seconds | None
    keep_runs: int | None
    keep_runs_bytes: int | None
    redaction: bool
    redact_names: tuple[str, ...]
    redact_patterns: tuple[str, ...]
    max_result_bytes: int
    result_serializer: str
    result_accept_content: Any
    task_send_sent_event: bool
    worker_concurrency: int | None
    worker_autoscaler: tuple[int, int] | None
    worker_send_task_events: bool
    worker_enable_remote_control: bool
    worker_pool: str
    worker_queue_order: str
    worker_queue_weights: dict[str, int] | None
    worker_max_tasks_per_child: int | None
    worker_max_memory_per_child: int | None
    worker_lease: Seconds
    worker_sweep: Seconds
    worker_grace: Seconds
    worker_crash_limit: int
    worker_output_limit: int
    worker_output_lines: int
    worker_output_line_bytes: int
    worker_disable_rate_limits: bool
    worker_loglevel: str | int
    worker_hijack_root_logger: bool
    worker_redirect_stdouts: bool
    worker_redirect_stdouts_level: str | int
    worker_log_format: str
    worker_task_log_format: str
    worker_log_datefmt: str | None
    worker_task_log_datefmt: str | None
    worker_log_color: bool | None
    alerts: Alerting | None
    dashboard_users: dict[str, tuple[str, str]]

    def __init__(self, mapping: Mapping[str, Any] | None = None, /, **settings: Any) -> None:
        # Values live in the instance's own dict: reading one costs no more than any attribute.
        own = self.__dict__
        own["_layers"] = {layer: {} for layer in LAYERS}  # what was set, by name, in order
        own["_load"] = None  # what is to be asked before the first use, see defer
        own["_count"] = 0  # what revision is while that is so
        own["_loading"] = set()  # the threads in which that is going on
        own["revision"] = 0
        self._publish(TABLE)
        own["revision"] = 0
        self.update(mapping, **settings)

    def update(self, mapping: Any = None, /, **settings: Any) -> None:
        """Set several settings, all or none; a keyword wins over its twin in ``mapping``."""
        # Any for mapping: whatever dict() takes.
        self.put("code", {**dict(mapping or ()), **settings})

    def put(self, layer: Layer, wanted: Mapping[str, Any]) -> None:
        """Set several settings on behalf of one of the LAYERS, all or none: where two say something, the stronger
        counts. What a configuration says replaces what an earlier one said."""
        check_spellings(wanted)
        checked = {
            name: _checked(name, value, slips=layer == "source") for name, value in _by_our_names(wanted).items()
        }
        before = self._layers[layer]
        after = checked if layer == "source" else {**before, **checked}
        if not self.is_deferred:
            _check_urls({**self._layers, layer: after})
        self._layers[layer] = after
        self._publish([name for name in {**before, **checked} if name in TABLE])

    def update_from(self, source: object, *, namespace: str | None = "CELERY") -> None:
        """Take the settings from among others: those in capitals that begin with the namespace, such as
        ``CELERY_TASK_ROUTES`` in a Django project's settings."""
        self.update({name: value for name, value in settings_among(source, namespace).items() if current_name(name)})

    def add_defaults(self, mapping: Mapping[str, Any]) -> None:
        """Set what holds where neither code nor configuration says anything; what was added earlier wins."""
        self.put("defaults", {**_by_our_names(mapping), **self._layers["defaults"]})

    def defer(self, load: Callable[[], None]) -> None:
        """Have ``load`` called before the first use of a value; it may ``put`` what it finds. If it raises, so does
        the use, each time. Setting is no use: it is kept until then."""
        own = self.__dict__
        if own["_load"] is None:
            for name, setting in TABLE.items():  # a dict among the defaults may have been written into
                if own[name] != setting.default and isinstance(setting.default, dict) and not self._says(name):
                    own["_layers"]["code"][name] = own[name]
            own["_count"] = own.pop("revision")
            for name in TABLE:
                del own[name]  # so that reading one comes to __getattr__
        own["_load"] = load

    @property
    def is_deferred(self) -> bool:
        """Whether values are still to be asked for."""
        return self.__dict__["_load"] is not None

    def finalize(self) -> Settings:
        """Ask for the values now, if that is still to be done. Raises: what reading the configuration raises."""
        # No lock is held meanwhile: it imports modules, and one of them may be in the hands of a thread that waits for
        # a setting. Two threads that come at once ask twice, and find the same.
        own, load, here = self.__dict__, self._load, get_ident()
        if load is None or here in own["_loading"]:
            return self
        own["_loading"].add(here)
        try:
            load()
            _check_urls(self._layers)
            if own["_load"] is load:
                own["_load"] = None
                own["revision"] = self._count
                self._publish(TABLE)
        finally:
            own["_loading"].discard(here)
        return self

    def explain(self) -> list[Notice]:
        """Return what the owner of these settings should know: those set without effect, and those that cost."""
        chosen = self.chosen()
        notices = [Notice(name, ACCEPTED[name]) for name in chosen if name in ACCEPTED]
        notices += [Notice(name, text) for name, value, text in _CAVEATS if chosen.get(name, _UNSET) == value]
        return notices + [Notice(name, _NOT_OURS) for name in self._others() if name.startswith("CELERY_")]

    def chosen(self) -> dict[str, Any]:
        """Return what was set, by name, without the defaults."""
        self.finalize()
        said: dict[str, Any] = {}
        for layer in reversed(LAYERS):
            said |= self._layers[layer]
        return {name: self.__dict__.get(name, value) for name, value in said.items() if current_name(name)}

    def value_set_for(self, name: str) -> bool:
        """Whether somebody has chosen this setting, in whichever spelling and place."""
        return self._says(current_name(name) or name)

    def copy(self) -> Settings:
        """Return settings that are the same and change by themselves."""
        self.finalize()
        other = Settings()
        for layer in LAYERS:
            other._layers[layer] = {name: copy(value) for name, value in self._layers[layer].items()}
        other._publish(TABLE)
        return other

    def __copy__(self) -> Settings:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Settings:
        return self.copy()

    # MutableMapping, and the same by attribute.

    def __getitem__(self, key: str) -> Any:
        name = current_name(key)
        if name in TABLE:
            return getattr(self, name)
        if name is None and not self._says(key):
            key, asked = f"{NAMESPACE}_{key.upper()}", key  # a package's own, in a configuration with the namespace
            if not self._says(key):
                raise unknown_setting(asked)
        self.finalize()
        return self._effective(name or key)

    def __setitem__(self, name: str, value: Any) -> None:
        self.put("code", {name: value})

    def __delitem__(self, key: str) -> None:
        self[key]  # raises for a name that is not known
        name = current_name(key) or key
        for layer in LAYERS:
            self._layers[layer].pop(name, None)
        self._publish([name] if name in TABLE else ())

    def __iter__(self) -> Iterator[str]:
        yield from TABLE
        yield from (name for name in self.chosen() if name not in TABLE)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        return name in TABLE or (isinstance(name, str) and self._says(name))

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        del self[name]

    def __getattr__(self, name: str) -> Any:
        # Only for names that are not in the instance: those still to be asked for, Celery's, and mistakes.
        if name.startswith("__"):
            raise AttributeError(name)
        if name in TABLE or name == "revision":
            self.finalize()
            if name in self.__dict__:
                return self.__dict__[name]
            return self._count if name == "revision" else self._effective(name)  # the configuration reads it itself
        try:
            return self[name]
        except UnknownSetting as error:
            raise AttributeError(str(error)) from None  # hasattr and copy rely on this class

    def __repr__(self) -> str:
        said = {name: None for layer in LAYERS for name in self._layers[layer] if current_name(name)}
        return f"<Settings {', '.join(said) or 'all at their defaults'}>"  # values may be secret

    # What the above stands on.

    def _says(self, name: str) -> bool:
        self.finalize()
        return any(name in self._layers[layer] for layer in LAYERS)

    def unknown(self) -> list[str]:
        """Return the names that are neither Celery's nor Horarium's."""
        self.finalize()
        return self._others()

    @contextmanager
    def overridden(self, **settings: Any) -> Iterator[None]:
        """Set several settings for the length of a ``with`` block; then every place says again what it said before."""
        before = dict(self._layers["code"])
        self.update(**settings)
        try:
            yield
        finally:
            self._layers["code"] = before
            self._publish([name for name in map(_named_here, settings) if name in TABLE])

    def _others(self) -> list[str]:
        """Return the names that are the project's own."""
        return [name for layer in LAYERS for name in self._layers[layer] if current_name(name) is None]

    def _effective(self, name: str) -> Any:
        return _said(self._layers, name)

    def _publish(self, names: Collection[str]) -> None:
        """Let the effective values be seen, unless all are still to be asked for."""
        if not names:
            return
        own = self.__dict__
        if own["_load"] is not None:
            own["_count"] += 1
            return
        own.update((name, self._effective(name)) for name in names)
        own["revision"] += 1


def _said(layers: Mapping[Any, Mapping[str, Any]], name: str) -> Any:
    """Return what the strongest layer says of a setting, else its default."""
    for layer in LAYERS:
        if name in layers[layer]:
            return layers[layer][name]
    return copy(TABLE[name].default) if name in TABLE else None


def _checked(name: str, value: Any, *, slips: bool) -> Any:
    """Return the value as it is kept; a name that is no setting's is kept too. Raises: UnknownSetting for a likely
    slip, unless ``slips`` says that those have been looked for; InvalidSetting."""
    if name in REFUSED and value is not None:
        raise InvalidSetting(name, "left out", _shown(value), REFUSED[name])
    if name in CHECKED:
        return _read(name, CHECKED[name], value, "or leave it out: it has no effect here")
    if name in ACCEPTED or name in URLS or name in REFUSED:
        return value
    setting = TABLE.get(name)
    if setting is None:
        if not slips:
            refuse_slip(name)
        return value
    if value is None and not setting.kind.takes_none:
        return copy(setting.default)
    return _read(name, setting.kind, value, _default_remedy(setting))


def _read(name: str, kind: Kind, value: Any, remedy: str) -> Any:
    try:
        return kind.read(value)
    except (ValueError, TypeError) as error:
        shown = Unshown(type(value).__name__) if kind.is_secret else _shown(value)
        raise InvalidSetting(name, kind.expected, shown, str(error) or remedy) from None


def _check_urls(layers: Mapping[Any, Mapping[str, Any]]) -> None:
    """Refuse an address of Celery's that names another store than ours. Raises: InvalidSetting."""
    store = _said(layers, "store")
    for name, remedy in URLS.items():
        value = _said(layers, name)
        if value is not None and _spelt_as_ours(value) != store:
            raise InvalidSetting(name, "None", _shown(value), remedy)


def _by_our_names(wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by the names they have here. Raises: InvalidSetting where two spellings of one differ."""
    ours: dict[str, Any] = {}
    spelt: dict[str, str] = {}
    for key, value in wanted.items():
        name = current_name(key) or key
        if name in spelt and value is not None and ours[name] is not None:
            if not _says_the_same(name, ours[name], value):
                wrong, right = (spelt[name], key) if spelt[name] in ALIASES else (key, spelt[name])
                raise InvalidSetting(
                    wrong, f"the same as {right}", _shown(wanted[wrong]), f"leave one of {wrong} and {right} out"
                )
        elif name not in spelt or value is not None:
            ours[name], spelt[name] = value, key
    return ours


def _says_the_same(name: str, one: Any, other: Any) -> bool:
    if name == "store":
        return _spelt_as_ours(one) == _spelt_as_ours(other)
    return bool(one == other)


def _named_here(name: str) -> str:
    return current_name(name) or name


def _spelt_as_ours(address: object) -> object:
    """Return an address as it would be kept, to compare it; one that cannot be read as it is."""
    try:
        return read_store(address)
    except ValueError:
        return address


def _default_remedy(setting: Setting) -> str:
    return f"leave it out for the default, {setting.default!r}"


def _shown(value: object) -> object:
    """Return a value as people may see it: complaints end up in logs."""
    if isinstance(value, list | tuple):
        return [_shown(each) for each in value]
    return masked(value) if isinstance(value, str) else value


class Unshown(str):
    """What stands in a complaint for a value that may be secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"another {self}" if self == "dict" else f"a value of type {self}"


_UNSET = object()

_NOT_OURS = "is no setting of Celery's or Horarium's; it is kept for the project to read"

# A setting, the value that has a price, and the price.
_CAVEATS: tuple[tuple[str, object, str], ...] = (
    ("enable_utc", False, "has no effect in Horarium: instants are kept in UTC, schedules are read in `timezone`"),
    ("task_acks_late", False, "every task runs at most once: one whose process dies is lost (state DEAD)"),
    ("result_backend", None, "no results are kept: get() raises ResultsNotKept; states and errors can still be read"),
    ("durability", "relaxed", "what was accepted in the last moments before a power cut may be lost"),
    ("task_always_eager", True, "tasks run at the call: no store, no worker and no retries later are involved"),
)
