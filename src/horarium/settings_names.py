"""The spellings of a setting's name: Celery's new one, its old one (``CELERYD_CONCURRENCY``), and with a namespace.

One source of settings keeps to one of the first two; a mixture is refused with what to rename, as Celery does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from horarium.errors import ImproperlyConfigured, UnknownSetting
from horarium.settings_celery import ACCEPTED, ALIASES, REFUSED, URLS, old_name
from horarium.settings_table import TABLE

NAMESPACE = "CELERY"  # the one whose names are understood without being named
KNOWN = frozenset((*TABLE, *ACCEPTED, *URLS, *ALIASES, *REFUSED))

# By the old name. Settings that Celery does not have get one too; it harms nobody.
OLD: dict[str, str] = {old_name(name): name for name in KNOWN}
# What Celery does not have may be said beside either spelling.
OWN = frozenset(
    "store durability task_publish_timeout max_payload_bytes max_result_bytes worker_lease worker_sweep worker_grace "
    "worker_crash_limit worker_output_limit worker_output_lines worker_output_line_bytes worker_loglevel "
    "worker_queue_order worker_queue_weights task_rate_limit_scope task_priority_scheme keep_runs keep_runs_bytes "
    "redaction redact_names redact_patterns alerts dashboard_users environment".split()
)
_LIKELY_MEANT = 0.85  # how alike two names are of which one is taken for a slip


def current_name(key: object) -> str | None:
    """Return the name that a setting has here, whichever way it is spelt; None if there is no such setting."""
    if not isinstance(key, str):
        return None
    name = key if key in KNOWN else OLD.get(key) or _without(NAMESPACE, key)
    return ALIASES.get(name, name) if name in KNOWN else None


def unknown_setting(key: object) -> UnknownSetting:
    """Return the complaint about a name that is none, with the nearest that is."""
    return UnknownSetting(str(key), _nearest(str(key), cutoff=0.6))


def check_spellings(keys: Iterable[str]) -> None:
    """Refuse old names among new ones, or new ones among old, but for those that are given in both spellings.

    Raises: ImproperlyConfigured with what to rename.
    """
    given = frozenset(keys)
    new, old = given & KNOWN - OWN, given & OLD.keys()
    if not new or not old:
        return
    if len(new) >= len(old):
        kind, wrong = "old", {key: OLD[key] for key in old if OLD[key] not in given}
    else:
        kind, wrong = "new", {key: old_name(key) for key in new if old_name(key) not in given}
    if not wrong:
        return
    renames = ", ".join(f"{was} -> {becomes}" for was, becomes in sorted(wrong.items()))
    raise ImproperlyConfigured(
        f"expected settings in one spelling, got {kind} names among {'new' if kind == 'old' else 'old'} ones; "
        f"rename {renames}"
    )


def spelt_like(others: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by those names that go with the others, old with old ones; None stands for one not given."""
    is_old = any(key in OLD for key in others)
    return {
        old_name(name) if is_old and name not in OWN else name: value
        for name, value in given.items()
        if value is not None
    }


def settings_among(source: object, namespace: str | None) -> dict[str, Any]:
    """Return the settings among what an object, a module or a dict says, by the names they have there.

    With a namespace: those whose names begin with it, by our own names, and old names beside them. Other names of a
    module are the project's own: they are returned as well. ``TIME_ZONE`` (Django) stands for a timezone that is not
    given. Classes and modules are no settings.
    Raises: UnknownSetting for a name that is likely a slip, ImproperlyConfigured for mixed spellings.
    """
    named = dict(source) if isinstance(source, Mapping) else None
    keys = [str(key) for key in (named if named is not None else dir(source)) if not str(key).startswith("_")]
    if namespace:
        chosen = _with_namespace(keys, namespace)
    else:
        chosen = {key: key for key in keys if current_name(key)}
        check_spellings(chosen)
        own = [key for key in keys if key not in chosen]
        if named is not None and own:
            raise unknown_setting(own[0])
        for key in own:
            if key.islower() or key.startswith((f"{NAMESPACE}_", "CELERYD_", "CELERYBEAT_")):
                refuse_slip(key)
        if isinstance(source, ModuleType):  # reading an object's other attributes may cost, or warn
            chosen |= {key: key for key in own}
    found = {name: named[key] if named is not None else getattr(source, key) for key, name in chosen.items()}
    found = {name: value for name, value in found.items() if not isinstance(value, type | ModuleType)}
    if "TIME_ZONE" in keys and not any(current_name(name) == "timezone" for name in found):
        zone = named["TIME_ZONE"] if named is not None else getattr(source, "TIME_ZONE")  # noqa: B009
        if zone is not None:
            found["timezone" if namespace or not any(key in OLD for key in chosen) else old_name("timezone")] = zone
    return found


def _with_namespace(keys: list[str], namespace: str) -> dict[str, str]:
    """Return key in the source -> name here. The names with the namespace win over old ones."""
    spelt = {key: name for key in keys if (name := _without(namespace, key)) is not None}
    chosen = {key: name for key, name in spelt.items() if name in KNOWN}
    taken = {ALIASES.get(name, name) for name in chosen.values()}
    for key in keys:
        name = OLD.get(key) if key.startswith(("CELERY", "BROKER_")) else None
        if key not in chosen and name is not None and ALIASES.get(name, name) not in taken:
            chosen[key] = name
    for key, name in spelt.items():
        if key not in chosen and key not in OLD:
            refuse_slip(name, shown=key)
            chosen[key] = key
    return chosen


def refuse_slip(name: str, shown: str | None = None) -> None:
    """Raise UnknownSetting for a name that is likely a slip of a setting's; any other is the project's own, or that of
    a package which keeps its settings here."""
    near = _nearest(name.lower(), _LIKELY_MEANT)
    if near is not None:
        raise UnknownSetting(shown or name, near)


def _without(namespace: str, key: str) -> str | None:
    prefix = f"{namespace}_"
    return key.removeprefix(prefix).lower() if key.startswith(prefix) else None


def _nearest(name: str, cutoff: float) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), sorted(KNOWN), 1, cutoff)
    return near[0] if near else None
