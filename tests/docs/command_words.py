"""Calls of our commands in files and pages that are not run: their words, and whether the commands take them."""

from __future__ import annotations

import re

import click

from horarium.cli.main import root
from horarium.cli.session import Session


def commands_in(text: str) -> list[list[str]]:
    """Return every call of `horarium` in a text of some configuration, as words."""
    calls = re.findall(r"horarium(?=[\s\",])([^\n;#\]]*)", text)
    return [re.findall(r"[^\s\",\[\]]+", call) for call in calls]


def is_accepted(words: list[str]) -> bool:
    """Whether a command takes these words; see ``trouble_of``."""
    return trouble_of(words) is None


def trouble_of(words: list[str]) -> str | None:
    """Say why a call would be refused, if it would be: by the command's own reading of it, values included.

    Nothing is run. A path that is to exist may be one of the reader's machine, and a variable's value is not known.
    """
    command: click.Command = root
    name, rest, context = "horarium", list(words), None
    try:
        while True:
            context = command.make_context(name, rest, parent=context, obj=Session())
            if not isinstance(command, click.Group):
                return None
            rest = [*context._protected_args, *context.args]
            found, chosen, rest = command.resolve_command(context, rest)
            assert found is not None and chosen is not None
            name, command = found, chosen
    except click.BadParameter as error:
        is_elsewhere = isinstance(getattr(error.param, "type", None), click.Path) or "$" in error.format_message()
        return None if is_elsewhere else error.format_message()
    except click.UsageError as error:
        return error.format_message().partition("\n")[0]
    except click.exceptions.Exit:
        return None  # --help and --version
