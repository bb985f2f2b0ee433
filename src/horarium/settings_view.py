"""How people look at settings: what was set, as a table or a text, without what is secret. Celery's words for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from typing import Any

from msgspec import Struct

from horarium.address import masked
from horarium.errors import UnknownSetting
from horarium.settings_table import TABLE

HIDDEN = "********"
_SECRET = re.compile("API|TOKEN|KEY|SECRET|PASS|SIGNATURE|DATABASE|DASHBOARD_USERS", re.IGNORECASE)


class Notice(Struct, frozen=True):
    """Something about a chosen setting that its owner should know."""

    key: str
    text: str


class SettingsView(MutableMapping[str, Any]):
    """The ways to read settings other than by name. ``chosen`` tells what was set, whichever way."""

    def chosen(self) -> dict[str, Any]:
        """Return what was set, by name, without the defaults."""
        raise NotImplementedError

    def get(self, name: str, default: Any = None) -> Any:
        """Return a setting, or ``default`` for one that is neither known nor set."""
        try:
            return self[name]
        except UnknownSetting:
            return default

    def setdefault(self, name: str, default: Any = None) -> Any:
        """Set a setting that nobody has chosen yet; return what holds."""
        if not self.value_set_for(name):
            self[name] = default
        return self[name]

    def first(self, *names: str) -> Any:
        """Return the first of these settings that is not None."""
        return next((value for name in names if (value := self.get(name)) is not None), None)

    def without_defaults(self) -> dict[str, Any]:
        """Return what was set, by name."""
        return self.chosen()

    def value_set_for(self, name: str) -> bool:
        """Whether somebody has chosen this setting, in whichever spelling and place."""
        raise NotImplementedError

    def table(self, with_defaults: bool = False, censored: bool = True) -> dict[str, Any]:
        """Return the settings by name; secrets are hidden unless ``censored`` is false."""
        shown = {**{name: self[name] for name in TABLE}, **self.chosen()} if with_defaults else self.chosen()
        return {name: _censored(name, value) for name, value in shown.items()} if censored else shown

    def humanize(self, with_defaults: bool = False, censored: bool = True) -> str:
        """Return the same as lines of text."""
        return "\n".join(f"{name}: {value!r}" for name, value in self.table(with_defaults, censored).items())

    def find_value_for_key(self, name: str, namespace: str = "celery") -> Any:
        """Return a setting by its name without its room: ``find_value_for_key("concurrency", "worker")``."""
        return self.get_by_parts(*(namespace, name)) if f"{namespace}_{name}" in TABLE else self[_whole_name(name)]

    def get_by_parts(self, *parts: str) -> Any:
        """Return a setting by the parts of its name: ``get_by_parts("worker", "concurrency")``."""
        return self["_".join(part for part in parts if part)]


def _whole_name(name: str) -> str:
    rooms: Iterable[str] = ("task", "worker", "result", "beat")
    return next((f"{room}_{name}" for room in rooms if f"{room}_{name}" in TABLE), name)


def _censored(name: str, value: Any) -> Any:
    is_secret = bool(_SECRET.search(name)) or (name in TABLE and TABLE[name].kind.is_secret)
    if is_secret and value is not None:
        return HIDDEN
    return masked(value) if isinstance(value, str) else value
