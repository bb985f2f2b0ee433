"""Options of Celery's that have nothing to do here: taken without complaint, and explained once on stderr."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import click
from click.core import ParameterSource

from horarium.cli.options import F, option
from horarium.cli.session import Session


class Leftover(NamedTuple):
    """An option of Celery's and why it does nothing."""

    names: tuple[str, ...]
    reason: str
    takes_value: bool = True


IN_STORE = "schedules and their state live in the store"

WORKER = (
    Leftover(("-O", "--optimization"), "each child already takes only what it can start at once"),
    Leftover(("--prefetch-multiplier",), "each child takes what its measured run times allow"),
    Leftover(("--disable-prefetch",), "each child takes what its measured run times allow", takes_value=False),
    Leftover(("--without-gossip",), "workers do not talk to each other", takes_value=False),
    Leftover(("--without-mingle",), "workers do not talk to each other", takes_value=False),
    Leftover(("--without-heartbeat",), "heartbeats are what brings a dead worker's tasks back", takes_value=False),
    Leftover(("--heartbeat-interval",), "use --lease"),
    Leftover(("-s", "--schedule", "--schedule-filename"), IN_STORE),
    Leftover(("-S", "--statedb"), "revocations live in the store"),
    Leftover(("-X", "--exclude-queues"), "name the queues to read with -Q"),
    Leftover(("--pool-start-method",), "children are forked from a clean process"),
)
BEAT = (
    Leftover(("-s", "--schedule"), IN_STORE),
    Leftover(("--enable-remote-control/--no-remote-control",), "schedules are changed in the store", takes_value=False),
)


def leftovers(table: tuple[Leftover, ...]) -> Callable[[F], F]:
    """Let a command take these options; each that is given is explained."""

    def add(function: F) -> F:
        for leftover in reversed(table):
            function = _accept(leftover)(function)
        return function

    return add


def _accept(leftover: Leftover) -> Callable[[F], F]:
    def explain(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
        given = parameter.name and ctx.get_parameter_source(parameter.name) is not ParameterSource.DEFAULT
        if given:
            name = leftover.names[-1].split("/")[0]
            ctx.ensure_object(Session).out.say(f"note: {name} has no effect: {leftover.reason}")

    attributes: dict[str, Any] = {"expose_value": False, "callback": explain, "hidden": True, "default": None}
    if not leftover.takes_value:
        attributes["is_flag"] = True
    return option(*leftover.names, **attributes)
