"""The page of all settings."""

from __future__ import annotations

from collections.abc import Iterable

from horarium.settings_celery import ACCEPTED, ALIASES, URLS
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

A value is checked when it is set. An unknown name is refused with the nearest known one, a wrong value with what was
expected. `None` stands for the default unless it is listed as a value. A duration is a number of seconds or a
`timedelta`. `horarium check` tells which of the settings in use have no effect, and why.
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

These are refused, unless they are `None` or say the same as `store`: a configuration that names another store must not
be read as if it worked.

| Setting | What to do |
|---|---|
"""
CELERY_INTRODUCTION = """\

## Celery's settings that do nothing here

They are accepted, so that a configuration can be brought along as it is.

| Setting | Why |
|---|---|
"""


def settings_page() -> str:
    """Return the page of all settings."""
    sections = "".join(f"\n## {title}\n\n{_table(settings)}" for title, settings in SECTIONS.items())
    aliases = _rows((alias, f"the same as `{name}`") for alias, name in ALIASES.items())
    urls = aliases + URLS_REFUSED + _rows(URLS.items())
    accepted = _rows(sorted(ACCEPTED.items()))
    return SETTINGS_INTRODUCTION + sections + URL_INTRODUCTION + urls + CELERY_INTRODUCTION + accepted


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
