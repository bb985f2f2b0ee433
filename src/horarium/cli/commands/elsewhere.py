"""Celery's commands that have no counterpart: each says what to use instead, and exits as wrong usage."""

from __future__ import annotations

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.options import Command

INSTEAD = {
    "multi": (
        "starting several workers is left to systemd, a container or a process manager, which also start them anew",
        [
            "units to copy: deploy/systemd/ of the project, docs/how-to/run-as-a-service.md",
            "celery multi start w1 w2   ->  systemctl start horarium-worker@w1 horarium-worker@w2",
            "celery multi restart w1    ->  systemctl restart horarium-worker@w1",
            "celery multi stopwait w1   ->  systemctl stop horarium-worker@w1  (waits for running tasks)",
            "celery multi show/names    ->  horarium status",
            "one worker in the background, without a manager: horarium worker -D --pidfile F --logfile F",
        ],
    ),
    "graph": (
        "there is no graph of boot steps: a worker is one supervisor and its children",
        [
            "who is alive and what each does: horarium status, horarium inspect stats",
            "how it is built: docs/why/house.md",
        ],
    ),
    "amqp": (
        "there is no AMQP here: a store holds messages, results and schedules",
        [
            "queues and who reads them: horarium list bindings",
            "queue.purge  ->  horarium purge -Q NAME",
            "basic.publish  ->  horarium call TASK -Q NAME",
            "basic.get  ->  horarium runs list, horarium inspect reserved",
        ],
    ),
}


def _made(name: str) -> click.Command:
    reason, hints = INSTEAD[name]

    @click.command(
        name,
        cls=Command,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        help=f"Not here: {reason}.\n\n\b\n" + "\n".join(f"  {hint}" for hint in hints),
    )
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED, metavar="...")
    def command(rest: tuple[str, ...]) -> None:
        raise Stop(f"horarium {name}: {reason}", Exit.USAGE, hints=hints)

    return command


multi, graph, amqp = (_made(name) for name in ("multi", "graph", "amqp"))
