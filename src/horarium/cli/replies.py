"""Asking workers from the command line: ``inspect`` and ``control`` show replies as Celery's do."""

from __future__ import annotations

import json
from collections.abc import Callable
from textwrap import indent
from typing import Any

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.options import JSON, F, names, option, seconds
from horarium.cli.session import Session
from horarium.observe.finding import plural
from horarium.observe.text import one_line, visible
from horarium.panel import Kind, Panel, commands_of, known, typed_arguments

PATIENCE_HELP = "How long to wait for replies."


def asking(kind: Kind) -> Callable[[F], F]:
    """Declare what a command that asks workers takes: COMMAND, its arguments, and how to ask."""

    def declare(function: F) -> F:
        for parameter in reversed(
            (
                click.argument("command"),
                click.argument("arguments", nargs=-1),
                option("-t", "--timeout", type=seconds, default=1.0, show_default=True, help=PATIENCE_HELP),
                option("-d", "--destination", type=names, metavar="A,B", help="Only these workers."),
                _list_option(kind),
                JSON,
            )
        ):
            function = parameter(function)
        return function

    return declare


def _list_option(kind: Kind) -> Callable[[F], F]:
    """Declare ``--list``: say which commands there are, and end."""

    def show(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if not value:
            return
        session: Session = ctx.ensure_object(Session)
        if session.spec:
            _import_app(session)  # it may have commands of its own
        formatter = ctx.make_formatter()
        with formatter.section(f"{kind.capitalize()} commands"):
            formatter.write_dl([(usage_of(name), entry.help) for name, entry in commands_of(kind).items()])
        click.echo(formatter.getvalue(), nl=False)
        ctx.exit()

    return click.option(
        "--list", is_flag=True, is_eager=True, expose_value=False, callback=show, help="List the commands and end."
    )


def usage_of(name: str) -> str:
    signature = Panel.meta[name].signature
    return f"{name} {signature}" if signature else name


def ask(
    session: Session,
    kind: Kind,
    command: str,
    words: tuple[str, ...],
    *,
    timeout: float,
    destination: tuple[str, ...] | None,
    as_json: bool,
) -> dict[str, Any]:
    """Send a command, show each reply as it comes, and return them by worker. Raises: UsageError; Stop with 69 when
    nobody replies."""
    _import_app(session)
    name = known(command)
    if name is None or Panel.meta[name].type != kind:
        choices = ", ".join(commands_of(kind))
        raise click.UsageError(f"command {command} not recognized; expected one of the {kind} commands: {choices}")
    try:
        arguments = typed_arguments(name, list(words))
    except ValueError as error:
        raise click.UsageError(str(error)) from error

    _ = session.engine  # whoever only asks makes no store

    def show(reply: dict[str, Any]) -> None:
        for node, answer in reply.items():
            _show(session, node, answer)

    control = session.app.control
    callback = None if as_json else show
    if kind == "control" and name in DONE_HERE:
        method = getattr(control, DONE_HERE[name])
        replies = method(**arguments, destination=destination, reply=True, timeout=timeout, callback=callback)
    else:
        replies = control.broadcast(
            name, arguments, destination=destination, reply=True, timeout=timeout, callback=callback
        )
    if not replies:
        who = f" of {', '.join(destination)}" if destination else ""
        raise Stop(
            f"no live worker{who} replied within {timeout:g} s",
            Exit.UNAVAILABLE,
            hints=[f"start one: {session.command} worker", f"what is wrong: {session.command} doctor"],
        )
    by_node = {node: answer for reply in replies for node, answer in reply.items()}
    if as_json:
        session.out.document(by_node if kind == "inspect" else replies)
    return by_node


# What the store is told too, so that it holds for workers that start later.
DONE_HERE = {"revoke": "revoke", "terminate": "terminate", "revoke_by_stamped_headers": "revoke_by_stamped_headers"}


def say_how_many(session: Session, replies: dict[str, Any]) -> None:
    if not session.out.quiet:
        session.out.data(f"\n{plural(len(replies), 'node')} online.")


def _import_app(session: Session) -> None:
    session.app.finalize()


def _show(session: Session, node: str, answer: Any) -> None:
    out = session.out
    if isinstance(answer, dict) and "error" in answer:
        status, body = out.mark("ERROR", "red"), indent(_pretty(answer["error"]), "    ")
    elif isinstance(answer, dict) and "ok" in answer:
        status, body = out.mark("OK", "green"), indent(_pretty(answer["ok"]), "    ")
    else:
        status, body = out.mark("OK", "green"), _pretty(answer)
    arrow = "" if out.quiet else "->  "
    out.data(f"{arrow}{out.mark(one_line(node), 'cyan')}: {status}")
    out.data(indent(body, "    "))


def _pretty(answer: Any) -> str:
    match answer:
        case str():
            return visible(answer, None)
        case []:
            return "- empty -"
        case list():
            return "\n".join(f"* {_item(item)}" for item in answer)
        case _:
            return visible(json.dumps(answer, indent=4, sort_keys=True, ensure_ascii=False), None)


def _item(item: Any) -> str:
    return one_line(item if isinstance(item, str) else json.dumps(item, ensure_ascii=False), None)
