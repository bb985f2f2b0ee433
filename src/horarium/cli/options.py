"""How commands and their options are declared.

Each option can be given in the environment as ``HORARIUM_<COMMAND>_<OPTION>`` and, for those who come from Celery,
as ``CELERY_<COMMAND>_<OPTION>``. The global options are understood before the command and after it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from horarium.cli.session import Session
from horarium.clock import Seconds
from horarium.observe.moments import parse_span

PREFIX = "HORARIUM"
CELERY_PREFIX = "CELERY"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "FATAL")

POOLS = frozenset("process processes prefork solo thread threads eventlet gevent async asyncio".split())


F = TypeVar("F", bound=Callable[..., Any])
J = TypeVar("J")


class Option(click.Option):
    """An option that listens to each of its long names in the environment, ours first, then Celery's."""

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        value = super().resolve_envvar_value(ctx)
        if value is not None or not self.allow_from_autoenv or ctx.auto_envvar_prefix is None or not self.name:
            return value
        section = ctx.auto_envvar_prefix.removeprefix(PREFIX)
        spelt = [name.removeprefix("--").replace("-", "_") for name in self.opts if name.startswith("--")]
        variables = (
            f"{prefix}{section}_{name.upper()}"
            for prefix in (PREFIX, CELERY_PREFIX)
            for name in dict.fromkeys((self.name, *spelt))
        )
        return next((value for variable in variables if (value := os.environ.get(variable))), None)


class Passwords(click.types.StringParamType):
    """People with passwords, as Flower writes them; in a variable they are separated by commas; spaces are theirs."""

    envvar_list_splitter = ","


def option(*names: str, **attributes: Any) -> Callable[[F], F]:  # Any: click's own attributes, checked by click
    """Declare an option of a command."""
    return click.option(*names, cls=Option, **attributes)


def global_options(*, repeated: bool) -> list[click.Option]:
    """Return the options that every command understands; ``repeated``: hidden, as found after the command."""

    def keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value is not None and parameter.name:
            setattr(ctx.ensure_object(Session), parameter.name, value)
        return value

    shared: dict[str, Any] = {"expose_value": False, "callback": keep, "hidden": repeated, "default": None}
    # After the command an option is the user's own typing: the environment was read before it.
    shared["allow_from_autoenv"] = not repeated
    envvar = (lambda *names: None) if repeated else (lambda *names: list(names))
    return [
        Option(
            ("-A", "--app", "spec"),
            envvar=envvar("HORARIUM_APP", "CELERY_APP"),
            metavar="MODULE[:ATTRIBUTE]",
            help="Where the app is. Found by itself if the folder holds just one.",
            **shared,
        ),
        Option(
            ("-b", "--store", "--broker", "store"),
            envvar=envvar("HORARIUM_STORE"),
            metavar="URL",
            help="Use this store instead of the app's.",
            **shared,
        ),
        Option(
            ("--result-backend", "results"),
            envvar=envvar("HORARIUM_RESULT_BACKEND"),
            metavar="URL",
            help="Remember results in this store instead of the app's.",
            **shared,
        ),
        Option(
            ("--workdir", "workdir"),
            type=click.Path(exists=True, file_okay=False),
            metavar="FOLDER",
            help="Go there first.",
            **shared,
        ),
        Option(
            ("--config", "config"),
            envvar=envvar("HORARIUM_CONFIG"),
            metavar="MODULE",
            help="Take settings from this module too.",
            **shared,
        ),
        Option(("--loader", "loader"), metavar="CLASS", help="Celery's; has no effect here.", **shared),
        Option(
            ("--skip-checks", "skip_checks"),
            is_flag=True,
            flag_value=True,
            envvar=envvar("HORARIUM_SKIP_CHECKS", "CELERY_SKIP_CHECKS"),
            help="Start a worker or scheduler without Django's system checks.",
            **shared,
        ),
        Option(("-C", "--no-color", "no_color"), is_flag=True, flag_value=True, help="No colours.", **shared),
        Option(("-q", "--quiet", "quiet"), is_flag=True, flag_value=True, help="Say only what is needed.", **shared),
    ]


class Command(click.Command):
    """A command; understands the global options too, where Celery's users put them now and then."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        taken = {name for parameter in self.params for name in parameter.opts}
        for shared in global_options(repeated=True):
            shared.opts = [name for name in shared.opts if name not in taken]
            if shared.opts:
                self.params.append(shared)


class Entry(NamedTuple):
    """A command that is imported when it is used: its line in ``--help`` is written here."""

    where: str  # module:attribute
    summary: str
    section: str = "Commands"


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports only the one that is run."""

    command_class = Command

    def __init__(self, *args: Any, entries: Mapping[str, Entry] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = dict(entries or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = entry.where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if args and not args[0].startswith("-") and (near := nearest(args[0], self.list_commands(ctx))):
                raise click.UsageError(f"no command {args[0]!r}; did you mean {near!r}?", ctx) from error
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.entries.items():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        for section, lines in sections.items():
            with formatter.section(section):
                formatter.write_dl(lines)


class Group(click.Group):
    """A group of commands in one file."""

    command_class = Command
    group_class = type


def nearest(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that the given one was most likely meant to be."""
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return close[0] if close else None


def log_level(value: object) -> str:
    """Read a log level by name, in any case, or by number."""
    text = str(value).upper()
    if text.isdigit():
        import logging

        text = str(logging.getLevelName(int(text)))
    if text not in LEVELS:
        raise click.BadParameter(f"expected one of {', '.join(LEVELS)} (in any case), got {value!r}")
    return text


def names(value: object) -> tuple[str, ...]:
    """Read a list of names with commas between them."""
    if isinstance(value, tuple):
        return value
    return tuple(part.strip() for part in str(value).split(",") if part.strip())


def pool_name(value: object) -> str:
    """Read the name of a pool, ours or Celery's."""
    if value not in POOLS:
        raise click.BadParameter(
            f"expected process, thread or async (or Celery's prefork, threads, solo, gevent, eventlet), got {value!r}"
        )
    return str(value)


def json_list(value: Any) -> list[Any]:  # Any: JSON
    """Read a JSON list."""
    return _json(value, list, "a JSON list such as '[1, 2]'")


def json_object(value: Any) -> dict[str, Any]:
    """Read a JSON object."""
    return _json(value, dict, "a JSON object such as '{\"id\": 1}'")


def seconds(value: object) -> Seconds:
    """Read a duration: a number of seconds, or one with a unit (``90s 5m 2h 1d``)."""
    try:
        return parse_span(str(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _json(value: Any, kind: type[J], expected: str) -> J:
    import msgspec

    if isinstance(value, kind):
        return value
    try:
        decoded = msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise click.BadParameter(f"expected {expected}, got {value!r} ({error})") from error
    if not isinstance(decoded, kind):
        raise click.BadParameter(f"expected {expected}, got {value!r}")
    return decoded


JSON = option("--json", "-j", "as_json", is_flag=True, help="One JSON document instead of lines.")
