"""``horarium celery ...``: Celery's command lines as they are, for programs that have not been changed.

Drop-in mode is on in this process and in those that it starts; the rest is the command of the same name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.options import PREFIX, Command, LazyGroup
from horarium.cli.session import DROPIN, Session

# Options of Celery's before the command that are none here; True: a value follows.
LEFTOVERS = {
    "--loader": (True, "the app is found by -A, and its settings are in it"),
    "--config": (True, "an app reads its settings with config_from_object"),
    "--skip-checks": (False, "nothing is checked at the start"),
}
# Commands of Celery's, for those that are none here.
INSTEAD = {
    "amqp": "there is no broker to talk to; `horarium runs` and `horarium purge` look into the store",
    "control": "`horarium inspect` asks the workers; signals and the service manager stop them",
    "events": "`horarium runs list` shows what happened, `horarium status` what goes on",
    "graph": "`horarium status` shows who is alive",
    "list": "`horarium status` shows the queues",
    "logtool": "log lines are as Celery's; grep reads them",
    "migrate": "let the old workers finish what they have, and start new ones on the new store",
    "multi": "let systemd, supervisor or a container look after each `horarium worker`",
    "report": "`horarium doctor` tells what a bug report should",
    "shell": "start python and import the app's module",
    "upgrade": "settings are understood in every spelling; `horarium check` explains them",
}


@click.command(
    "celery",
    cls=Command,
    context_settings={"ignore_unknown_options": True, "help_option_names": [], "allow_interspersed_args": False},
)
@click.argument("arguments", metavar="[OPTIONS] COMMAND ...", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(ctx: click.Context, arguments: tuple[str, ...]) -> int:
    """Understand a command line of Celery's, in drop-in mode: `horarium celery -A proj worker -l info -c 4`.

    `import celery` brings Horarium, so that a project written for Celery runs without a change. Options that mean
    nothing here are taken and explained.
    """
    session = ctx.ensure_object(Session)
    root = ctx.find_root().command
    assert isinstance(root, LazyGroup)
    session.dropin = True
    os.environ[DROPIN] = "1"  # for the processes that this one starts
    kept = list(_without_leftovers(session, root, arguments))
    with root.make_context("horarium celery", kept, obj=session, auto_envvar_prefix=PREFIX) as inner:
        code: int | None = root.invoke(inner)
    return code or Exit.OK


def _without_leftovers(session: Session, root: LazyGroup, arguments: Sequence[str]) -> Iterator[str]:
    """Yield the arguments without the options before the command that have no effect, which are explained."""
    takes_value = {
        name for parameter in root.params for name in parameter.opts if not getattr(parameter, "is_flag", True)
    }
    known = {name for parameter in root.params for name in parameter.opts}
    rest = iter(arguments)
    for argument in rest:
        name, _, value = argument.partition("=")
        if name in LEFTOVERS and name not in known:
            has_value, reason = LEFTOVERS[name]
            if has_value and not value:
                next(rest, None)
            session.out.say(f"note: {name} has no effect: {reason}")
            continue
        if not argument.startswith("-"):
            if argument in INSTEAD and argument not in root.list_commands(click.Context(root)):
                raise Stop(f"there is no command {argument!r} here", Exit.USAGE, hints=[INSTEAD[argument]])
            yield argument
            yield from rest
            return
        yield argument
        if argument in takes_value:
            yield from (value for value in [next(rest, None)] if value is not None)
