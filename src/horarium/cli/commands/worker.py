"""``horarium worker``: the options of a worker, handed to its supervisor."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import click

from horarium import signals
from horarium.cli.assignments import assign
from horarium.cli.ground import ground_options, stand
from horarium.cli.leftovers import WORKER, leftovers
from horarium.cli.locate import importing
from horarium.cli.options import Command, log_level, names, option, pool_name, seconds
from horarium.cli.session import Session

POOLS = {"solo": "process", "eventlet": "thread", "gevent": "thread"}  # Celery's that are not known by name here
CELERYS_QUEUE = "celery"  # the name of its default queue
SAME = {
    "solo": "one child process (-P process -c 1), so that a crash is the task's only",
    "eventlet": "threads (-P thread); for coroutines write async def tasks and use -P async",
    "gevent": "threads (-P thread); for coroutines write async def tasks and use -P async",
}


def bounds(value: object) -> tuple[int, int]:
    """Read the most and the fewest slots; the fewest may be left out."""
    if isinstance(value, tuple):
        return value
    most, _, fewest = str(value).partition(",")
    if not most.isdigit() or not (fewest or "1").isdigit():
        raise click.BadParameter(f"expected MAX,MIN as two whole numbers, such as 10,3, got {value!r}")
    return int(most), int(fewest or 1)


def slots(value: object) -> int:
    """Read a number of slots; ``auto`` is 0, as many as fit."""
    if str(value) == "auto":
        return 0
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if number < 0:
        raise click.BadParameter(f"expected a number of slots or 'auto', got {value!r}")
    return number


def weighed(queues: tuple[str, ...]) -> tuple[tuple[str, ...], dict[str, int]]:
    """Return the names of queues, and the weights of those that are written as NAME:WEIGHT."""
    listed: list[str] = []
    weights: dict[str, int] = {}
    for written in queues:
        name, colon, weight = written.rpartition(":")
        if not colon or not weight.isdigit():  # a name may have colons of its own
            listed.append(written)
            continue
        if not name or int(weight) < 1:
            raise click.BadParameter(f"expected NAME:WEIGHT with a weight of 1 or more, got {written!r}")
        listed.append(name)
        weights[name] = int(weight)
    return tuple(listed), weights


@click.command("worker", cls=Command)
@option("-n", "--hostname", "--name", "name", metavar="NAME", help="Its name (%h host, %n first label, %d domain).")
@option("-l", "--loglevel", type=log_level, metavar="LEVEL", help="In any case. [default: worker_loglevel, INFO]")
@option("-c", "--concurrency", type=slots, help="So many tasks at once. [default: one per CPU]")
@option("-P", "--pool", type=pool_name, metavar="process|thread|async", help="What runs the tasks. [default: process]")
@option("-Q", "--queues", type=names, metavar="A,B", help="Read these queues; A:5,B:1 gives them weights.")
@option("--queue-order", type=click.Choice(["together", "strict"]), help="strict: B only when A is empty.")
@option("-I", "--include", type=names, metavar="A,B", help="Import these modules too.")
@option("-B", "--beat", is_flag=True, help="Fire schedules too; any number of workers may have it.")
@option("--scheduler", metavar="NAME", help="With -B: where schedules are defined; see `beat`.")
@option("-E", "--task-events", "--events", "events", is_flag=True, default=None, help="Tell events; see `events`.")
@option("--autoscale", type=bounds, metavar="MAX,MIN", help="Have so many slots, by what is ready in the queues.")
@option("--grace", type=seconds, help="How long running tasks may go on when it is told to stop.")
@option("--time-limit", type=seconds, help="End a task that runs longer.")
@option("--soft-time-limit", type=seconds, help="Raise SoftTimeLimitExceeded in a task that runs longer.")
@option("--max-tasks-per-child", type=click.IntRange(1), help="Replace a child after so many tasks.")
@option("--max-memory-per-child", type=click.IntRange(1), metavar="KIB", help="Replace a child that grows larger.")
@option("--lease", type=seconds, help="How long a silent host is trusted.")
@option("--sweep", type=seconds, help="How often others look for silent hosts.")
@option("--purge", "--discard", "purge", is_flag=True, help="First cancel what waits in its queues.")
@click.argument("assignments", nargs=-1, metavar="[SETTING=VALUE]...")
@ground_options
@leftovers(WORKER)
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    loglevel: str | None,
    queues: tuple[str, ...] | None,
    include: tuple[str, ...] | None,
    pool: str | None,
    purge: bool,
    scheduler: str | None,
    assignments: tuple[str, ...],
    ground: dict[str, Any],
    **overrides: Any,  # the remaining options, by the names of WorkerOptions
) -> int:
    """Run tasks until told to stop.

    TERM or Ctrl-C: running tasks may finish within --grace. A second one, or QUIT: the work is given back at once.
    Settings may be given as `worker.concurrency=4`; options win.
    """
    from horarium.observe import logs
    from horarium.observe.lines import Lines
    from horarium.scheduler.beat import Scheduler
    from horarium.worker.options import expand_name, options_from
    from horarium.worker.supervisor import Companion, Supervisor

    # Whoever asks for celery@host, or looks for it in logs, finds it in drop-in mode.
    overrides["name"] = overrides["name"] or ("celery@%h" if session.dropin else "worker@%h")
    hostname = expand_name(overrides["name"])
    stand(session, hostname, ground)
    app = session.app
    assign(app.conf, assignments, "worker")
    if scheduler is not None:
        app.conf.beat_scheduler = scheduler
    given = {"loglevel": loglevel, "queues": queues, "include": include, "pool": pool, "purge": purge, **overrides}
    signals.user_preload_options.send("worker", app=app, options={**given, **ground})
    signals.celeryd_init.send(hostname, instance=app, conf=app.conf, options={**given, **ground})
    with importing(app):
        for module in include or ():
            import_module(module)
        app.finalize()
    session.look_through()
    if pool in SAME:
        session.out.say(f"note: pool {pool} is run as {SAME[pool]}")
        if pool == "solo":
            overrides["concurrency"] = 1
    listed, weights = weighed(queues or ())
    if session.dropin:
        listed = as_celery_reads(listed, app.conf.task_default_queue)
    options = options_from(
        app.conf,
        queues=listed or None,
        weights=weights or None,
        pool=POOLS.get(pool, pool) if pool else None,
        loglevel=loglevel,
        run_dir=ground["run_dir"] or "",
        **overrides,
    )
    if purge:
        app.control.purge(options.queues)
        app.close()  # nothing may be open when children are forked
    logs.configure(options.loglevel, app.conf, ground.get("logfile"), color=session.out.color)
    observer = Lines()
    companions: list[Callable[[], Companion]] = []
    if options.beat:
        companions.append(partial(Scheduler, app, observer=observer, run_dir=options.run_dir))
    if app.conf.alerts is not None:
        from horarium.alerts.watch import Watcher  # it brings TLS and mail along, 3 MB that others need not have

        companions.append(partial(Watcher, app, name=options.name, observer=observer))
    supervisor = Supervisor(app, options, observer=observer, companions=companions)
    signals.celeryd_after_setup.send(options.name, instance=supervisor, conf=app.conf)
    return supervisor.run()


def as_celery_reads(listed: tuple[str, ...], default: str) -> tuple[str, ...]:
    """Return the queues of a worker in drop-in mode: whoever reads Celery's default queue by its name means ours."""
    return (*listed, default) if CELERYS_QUEUE in listed and default not in listed else listed
