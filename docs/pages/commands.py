"""The page of all commands and their options, read from click."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any

import click

from horarium.cli.exits import Exit
from horarium.cli.leftovers import BEAT, WORKER, Leftover
from horarium.cli.main import root

COMMANDS_INTRODUCTION = """\
# Commands

<!-- Made by docs/generate.py from the commands in src/horarium/cli/. -->

`horarium` and `python -m horarium` are the same. Data go to stdout, talk goes to stderr. A listing is a table on a
terminal and tab-separated lines elsewhere; `--json` (`-j`) gives one JSON document. `NO_COLOR` and `-C` switch colours
off.

The app is found by `-A module`, `-A module:attribute` or `-A package` (with a submodule `celery` or `horarium`), else
by `HORARIUM_APP`, else by `[tool.horarium] app = "module"` in `pyproject.toml`, else as the only file in the folder
that says `app = Horarium(...)`.

Every option has a form in the environment: `HORARIUM_WORKER_CONCURRENCY=4` is `worker --concurrency 4`;
`CELERY_WORKER_CONCURRENCY` is read too. What is typed wins. A duration is a number of seconds, or one with a unit:
`90`, `90s`, `5m`, `2h`, `1d`.

## Exit codes

| Code | Meaning |
|---|---|
"""
EXITS = {
    Exit.OK: "done; of `doctor` and `check`: nothing is wrong",
    Exit.FAILED: "it failed: the run, the configuration, the store, or what `doctor` and `check` look for",
    Exit.USAGE: "wrong usage: an unknown option, a value that cannot be read, no app found",
    Exit.NOT_FOUND: "no such run, task or schedule; of `result`: the run has not ended",
    Exit.REFUSED: "it could be done, but not like this; the message says how",
    Exit.UNAVAILABLE: "nobody answers: no live worker, or the store is too busy or away",
    Exit.CANNOT_CREATE: "a living process holds the pidfile, or it cannot be written",
    Exit.TIMED_OUT: "what was waited for did not come in time",
    Exit.INTERRUPTED: "Ctrl-C",
    Exit.BROKEN_PIPE: "the reader of the output went away",
}
WORKER_EXITS = """
A worker that was told to stop ends with 0 when everything that ran was finished, with 3 when it gave started tasks
back, with 1 when the configuration or the store is at fault, with 70 after a fault of its own. See [stop and
deploy](../how-to/stop-and-deploy.md).

## Options before every command

They are understood after the command too.
"""
LEFTOVERS = "\nCelery's options that do nothing here. They are taken, and explained when they are used:\n\n"


def commands_page() -> str:
    """Return the page of all commands and their options."""
    codes = "".join(f"| {code.value} | {EXITS[code]} |\n" for code in Exit)
    shared = [parameter for parameter in root.params if isinstance(parameter, click.Option)]
    intro = COMMANDS_INTRODUCTION + codes + WORKER_EXITS + "\n" + _option_table(shared)
    return intro + "".join(_command(command, path) for path, command in every_command())


def every_command() -> Iterator[tuple[str, click.Command]]:
    """Yield all commands and subcommands with their full names, in the order of ``--help``."""
    context = click.Context(root, info_name="horarium")
    for name in root.list_commands(context):
        command = root.get_command(context, name)
        assert command is not None
        yield f"horarium {name}", command
        for sub, below in getattr(command, "commands", {}).items():
            yield f"horarium {name} {sub}", below


def _command(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    text = f"\n## {path}\n\n```\n{usage}\n```\n\n{_help(command)}\n"
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    if options:
        text += f"\n{_option_table(options)}"
    leftovers = {"horarium worker": WORKER, "horarium beat": BEAT}.get(path, ())
    return text + (LEFTOVERS + _leftover_table(leftovers) if leftovers else "")


def _help(command: click.Command) -> str:
    """Return a command's help; what click is told to leave as it is (``\\b``) becomes a block."""
    before, mark, listing = inspect.cleandoc(command.help or "").partition("\b\n")
    return before.strip() + (f"\n\n```\n{inspect.cleandoc(listing)}\n```" if mark else "")


def _option_table(options: Iterable[click.Option]) -> str:
    rows = "".join(f"| {_option_names(option)} | {_option_help(option)} |\n" for option in options)
    return f"| Option | |\n|---|---|\n{rows}"


def _option_names(option: click.Option) -> str:
    value = "" if option.is_flag else f" {option.metavar or _kind_of(option.type)}"
    return f"`{', '.join([*option.opts, *option.secondary_opts])}{value}`".replace("|", r"\|")


def _kind_of(kind: Any) -> str:  # Any: click.ParamType is generic in some versions of click, and not in others
    return "NUMBER" if isinstance(kind, click.IntRange) else kind.name.upper()


def _option_help(option: click.Option) -> str:
    shown = (
        f" Default: `{option.default:g}`." if isinstance(option.default, float) else f" Default: `{option.default}`."
    )
    text = (option.help or "").replace("[default: ", "Default: ").replace("]", ".")
    return (text + (shown if option.show_default and option.default is not None else "")).replace("|", r"\|")


def _leftover_table(leftovers: tuple[Leftover, ...]) -> str:
    rows = "".join(f"| `{', '.join(one.names)}` | {one.reason} |\n" for one in leftovers)
    return f"| Option | Why |\n|---|---|\n{rows}"
