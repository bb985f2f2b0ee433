"""``horarium completion``: the script that makes a shell complete our commands and options."""

from __future__ import annotations

import click

from horarium.cli.options import Command
from horarium.cli.session import Session

RC_FILES = {
    "bash": 'eval "$(horarium completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(horarium completion zsh)" in ~/.zshrc',
    "fish": "horarium completion fish > ~/.config/fish/completions/horarium.fish",
}


@click.command("completion", cls=Command)
@click.argument("shell", type=click.Choice(sorted(RC_FILES)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL."""
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None  # the choice allows only shells that click knows
    session = ctx.ensure_object(Session)
    session.out.data(complete(ctx.find_root().command, {}, "horarium", "_HORARIUM_COMPLETE").source())
    session.out.say(f"to keep it: {RC_FILES[shell]}")
