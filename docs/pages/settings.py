"""The page of all settings."""

from __future__ import annotations

from collections.abc import Iterable

from horarium.settings_celery import ACCEPTED, ALIASES, CHECKED, REFUSED, URLS, old_name
from horarium.settings_names import KNOWN, OWN
from horarium.settings_table import SECTIONS, Setting

SETTINGS_INTRODUCTION = """\
# Settings

<!-- Made by docs/generate.py from the tables in src/horarium/settings_table.py and settings_celery.py. -->

Settings are given to the app as keywords, by attribute, by item, or many at once:

```python
from horarium import Horarium

app = Horarium("shop", store="sqlite:///shop.db", timezone="Europe/Berlin")
app.conf.task_default_queue = "orders"
app.conf.update(task_time_limit=300, worker_concurrency=4)
```

A value is checked when it is set. A slip of a name is refused with the nearest known one, a wrong value with what was
expected; other names are kept for the project and the packages that read them. `None` stands for the default unless it
is listed as a value. A duration is a number of seconds or a `timedelta`. `horarium check` tells which of the settings
in use have no effect, and why.

Every one of the 207 settings of Celery 5.7 is on this page, and is understood in each of its spellings:
`task_time_limit`, the older `CELERYD_TASK_TIME_LIMIT`, and `CELERY_TASK_TIME_LIMIT`. How a configuration is read from a
module, from Django's settings or from the environment, and what wins, is told in
[configure an app](../how-to/configure-an-app.md).
"""
URL_INTRODUCTION = """\

## Addresses

`store` and `result_backend` take the spellings of Celery and SQLAlchemy where they have an equivalent:
`db+postgresql://`, `postgresql+psycopg://`, `db+sqlite:///file.db`, `sentinel://host:26379;sentinel://host:26379`,
`rpc://` (the same as `'store'`), `disabled://` (the same as None). What has none is refused with the nearest that has.

| Setting | |
|---|---|
"""
URLS_REFUSED = """\

These are refused, unless they are `None`, or say the same as `store` (the two URLs): a configuration that names another
store must not be read as if it worked.

| Setting | What to do |
|---|---|
"""
CELERY_INTRODUCTION = """\

## Celery's settings that do nothing here

They are accepted, so that a configuration can be brought along as it is. Where "may be" is said in brackets, another
value is refused nevertheless: Celery would not know it either.

| Setting | Why |
|---|---|
"""


OLD_INTRODUCTION = """\

## Older names

Celery's settings had other names before its version 4. They are understood, too; old and new ones in one source are
refused with what to rename, as Celery does, unless a setting is given in both.

| Setting | Its older name |
|---|---|
"""


def settings_page() -> str:
    """Return the page of all settings."""
    sections = "".join(f"\n## {title}\n\n{_table(settings)}" for title, settings in SECTIONS.items())
    aliases = _rows((alias, f"the same as `{name}`") for alias, name in ALIASES.items())
    urls = aliases + URLS_REFUSED + _rows({**URLS, **REFUSED}.items())
    accepted = _rows((name, text + _may_be(name)) for name, text in sorted(ACCEPTED.items()))
    older = _rows((name, f"`{old_name(name)}`") for name in sorted(_had_older_names()))
    celery = CELERY_INTRODUCTION + accepted + OLD_INTRODUCTION + older
    return SETTINGS_INTRODUCTION + sections + URL_INTRODUCTION + urls + celery


def _may_be(name: str) -> str:
    return f" (may be {CHECKED[name].expected})" if name in CHECKED else ""


def _had_older_names() -> set[str]:
    """Return Celery's settings whose older name is neither the new one in capitals nor that with CELERY before it."""
    known = KNOWN - OWN
    return {name for name in known if old_name(name) not in (name.upper(), f"CELERY_{name.upper()}")}


def _table(settings: Iterable[Setting]) -> str:
    rows = "".join(
        f"| `{setting.name}` | {_default(setting.default)} | {setting.kind.expected} | {setting.doc} |\n"
        for setting in settings
    )
    return f"| Setting | Default | May be | |\n|---|---|---|---|\n{rows}"


def _default(value: object) -> str:
    number = f"{value:g}" if isinstance(value, float) else repr(value)
    return f"`{number}`".replace("|", r"\|")


def _rows(entries: Iterable[tuple[str, str]]) -> str:
    return "".join(f"| `{name}` | {text} |\n" for name, text in entries)
