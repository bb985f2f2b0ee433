"""Calls of our commands in files and pages that are not run: which words they are, and whether those are known."""

from __future__ import annotations

import re

import click

from horarium.cli.main import root
from horarium.cli.options import global_options


def commands_in(text: str) -> list[list[str]]:
    """Return every call of `horarium` in a text of some configuration, as words."""
    calls = re.findall(r"horarium(?=[\s\",])([^\n;#\]]*)", text)
    return [re.findall(r"[^\s\",\[\]]+", call) for call in calls]


def is_accepted(words: list[str]) -> bool:
    """Whether a command and its options are known; values are not looked at."""
    context = click.Context(root, info_name="horarium")
    taken = [name for option in global_options(repeated=False) for name in option.opts]
    rest = list(words)
    while rest and rest[0].startswith("-"):
        name, has_value, _ = rest.pop(0).partition("=")
        if name not in taken:
            return False
        if not has_value:
            rest.pop(0)
    command: click.Command | None = root
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        command = command.get_command(context, rest.pop(0))
    if command is None or isinstance(command, click.Group):
        return isinstance(command, click.Group) and command is not root
    known = {name for parameter in command.params for name in parameter.opts + parameter.secondary_opts}
    given = {word.partition("=")[0] for word in rest if re.match(r"--?[A-Za-z]", word)}
    return given <= known | set(taken)
