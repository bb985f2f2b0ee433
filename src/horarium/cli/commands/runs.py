"""``horarium runs``: look at what ran, run it again, and let what waits run sooner or later."""

from __future__ import annotations

import click

from horarium.app.again import RETRY_OF, refusal, send_again
from horarium.cli.commands import tree, watching
from horarium.cli.exits import Exit, Stop
from horarium.cli.lookup import call_text, find_run, value_text
from horarium.cli.options import JSON, Group, names, nearest, option
from horarium.cli.output import Column, Output, short
from horarium.cli.session import Session
from horarium.clock import Instant
from horarium.message import HIGHEST_PRIORITY, Message
from horarium.observe.contents import Contents
from horarium.observe.document import run_document
from horarium.observe.effects import set_priority
from horarium.observe.facts import gather, held_run
from horarium.observe.finding import Finding, plural
from horarium.observe.matching import Sight
from horarium.observe.moments import local, parse_past, span
from horarium.observe.question import Question, Term, either, every, parse
from horarium.observe.redacted import LIMIT, shown_run
from horarium.observe.searching import plan_of, search
from horarium.observe.text import visible
from horarium.observe.waiting import explain
from horarium.outcome import Run, State

PAGE = 500  # runs read at a time
MOST_SEARCHED = 100_000  # runs that one command looks into
SHOWN_JOINS = 3  # of those that wait for a run

COLUMNS = (
    Column("id", "ID"),
    Column("task", "TASK"),
    Column("state", "STATE"),
    Column("queue", "QUEUE"),
    Column("created", "SENT", "instant"),
    Column("seconds", "TOOK", "seconds"),
    Column("worker", "WORKER"),
)


@click.group("runs", cls=Group)
def command() -> None:
    """The kept records of what ran, runs or waits. Ids may be shortened to their first characters."""


@command.command("list")
@click.argument("question", nargs=-1)
@option("--state", "states", type=names, metavar="A,B", help="PENDING STARTED RETRY SUCCESS FAILURE DEAD ...")
@option("--task", "tasks", type=names, metavar="A,B", help="Only of these tasks.")
@option("-Q", "--queue", "queues", type=names, metavar="A,B", help="Only of these queues.")
@option("--schedule", metavar="NAME", help="Only what this schedule fired.")
@option("--since", metavar="WHEN", help="Sent since then: 90s 5m 2h 1d, or a moment.")
@option("-n", "--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many.")
@JSON
@click.pass_obj
def show_runs(
    session: Session,
    question: tuple[str, ...],
    states: tuple[str, ...] | None,
    tasks: tuple[str, ...] | None,
    queues: tuple[str, ...] | None,
    schedule: str | None,
    since: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List runs, newest first.

    QUESTION narrows them down, as it does in the dashboard: 'state:failed task:shop.* args.order:1115 duration>30s
    since:1h -queue:mail "no disk"'. Put it into quotes.
    """
    engine, zone = session.engine, session.show_times_of_app()
    sight = Sight(now=engine.now(), zone=zone, contents=Contents(session.app))
    wanted = tuple(state.upper() for state in states or ())
    if since:
        _check_since(since, zone, sight.now)
    plan = plan_of(
        every(
            parse(" ".join(question)),
            *_exactly("state", wanted),
            *_exactly("task", tasks),
            *_exactly("queue", queues),
            *_exactly("schedule", (schedule,) if schedule else ()),
            *_exactly("since", (since,) if since else ()),
        ),
        sight,
    )
    runs: list[Run] = []
    found = search(engine.results, plan, sight, limit=min(limit, PAGE), most=MOST_SEARCHED)
    runs.extend(found.runs)
    searched = found.searched
    while found.next is not None and len(runs) < limit and searched < MOST_SEARCHED:
        size = min(limit - len(runs), PAGE)
        found = search(engine.results, plan, sight, limit=size, after=found.next, most=MOST_SEARCHED - searched)
        searched += found.searched
        runs.extend(found.runs)
    session.out.table(COLUMNS, [_row(run) for run in runs], as_json=as_json, empty="no run matches")
    if found.next is not None and len(runs) < limit:
        session.out.say(f"searched the newest {searched:,} runs; name a state, task, queue or before: to search others")
    if not runs:
        _hint_at_states(session, wanted)


def _hint_at_states(session: Session, wanted: tuple[str, ...]) -> None:
    """Name the state that was likely meant. One that is near to none may be a task's own."""
    known = [str(state) for state in State]
    for state in wanted:
        if state not in known and (near := nearest(state, known)):
            session.out.say(f"no state of Horarium's own is called {state}; did you mean: {near}")


command.add_command(tree.command)
command.add_command(watching.command)


@command.command("show")
@click.argument("run_id", metavar="ID")
@JSON
@click.pass_obj
def show_run(session: Session, run_id: str, as_json: bool) -> None:
    """Show a run: its arguments, attempts, result or traceback, log lines, and why it waits if it does."""
    engine, out = session.engine, session.out
    run = find_run(engine, run_id)
    facts = gather(session.app, engine.now(), command=session.command)
    finding = explain(facts, run, None if run.has_ended else held_run(engine, run))
    run = shown_run(run, session.app, limit=None if as_json else LIMIT)
    if as_json:
        out.document(run_document(run) | {"explanation": finding})
        return
    session.show_times_of_app()
    _show(out, run, finding)


@command.command("retry")
@click.argument("run_ids", metavar="ID...", nargs=-1, required=True)
@JSON
@click.pass_obj
def retry_runs(session: Session, run_ids: tuple[str, ...], as_json: bool) -> None:
    """Send ended runs again, each as a new message with a new id, which is printed."""
    engine = session.engine
    runs = [find_run(engine, run_id) for run_id in run_ids]
    for run in runs:
        if (reason := refusal(run)) is not None:
            look = f". Look at what failed: {session.command} runs tree {run.id}" if run.message.gate else ""
            raise Stop(f"run {run.id}: {reason}; nothing was sent{look}", Exit.REFUSED)
    answers = send_again(engine, runs)
    messages = [message for message, placed in answers if placed is True]
    for message, placed in answers:
        if placed is not True:
            again = message.headers[RETRY_OF]
            session.out.say(f"run {again} was not sent again: run {placed}, of the same unique key, stands for it")
    if as_json:
        session.out.document([{"id": m.id, RETRY_OF: m.headers[RETRY_OF]} for m in messages])
        return
    for message in messages:
        session.out.data(message.id)


@command.command("priority")
@click.argument("run_id", metavar="ID")
@click.argument("priority", metavar="PRIORITY", type=click.IntRange(0, HIGHEST_PRIORITY))
@click.pass_obj
def rank_run(session: Session, run_id: str, priority: int) -> None:
    """Give a run that waits another priority: 0 (last) to 9 (first). One that runs already stays as it is."""
    run = find_run(session.engine, run_id)
    effect = set_priority(session.app, run, priority)
    if not effect.was_done:
        raise Stop(f"run {run.id}: {effect.text}; nothing was done", Exit.REFUSED)
    session.out.say(f"run {run.id}: {effect.text}")


def _exactly(field: str, values: tuple[str, ...] | None) -> list[Question]:
    """Return the question for one of these values, if there are any."""
    terms = [Term(field=field, value=value, is_literal=True) for value in values or ()]
    return [either(*terms)] if terms else []


def _check_since(text: str, zone: str, now: Instant) -> None:
    try:
        parse_past(text, zone, now=now)
    except ValueError as error:
        raise click.UsageError(f"expected --since to be a span such as 2h, or a moment, got {text!r}") from error


def _row(run: Run) -> dict[str, object]:
    return {
        "id": run.id,
        "task": run.message.task,
        "state": run.state,
        "queue": run.message.queue,
        "created": run.message.created,
        "seconds": run.took,
        "worker": run.worker,
    }


def _show(out: Output, run: Run, finding: Finding) -> None:
    message = run.message
    lines = [
        ("id", run.id),
        ("task", message.task),
        ("state", run.state),
        ("meaning", finding.text),
        ("to do", finding.remedy),
        ("call", short(call_text(message.args, message.kwargs), 2000)),
        ("queue", f"{message.queue}, priority {message.priority}"),
        ("schedule", message.schedule or ""),
        ("workflow", message.root or ""),
        ("group", _place_in_group(message)),
        ("after", _gate(message)),
        ("then", _joins(message)),
        ("repeats", str(message.headers.get(RETRY_OF, ""))),
        ("sent", local(message.created, out.zone) + (f" by {message.origin}" if message.origin else "")),
        ("eta", _when(out, message.eta)),
        ("expires", _when(out, message.expires)),
        ("started", _when(out, run.started) + (f" on {run.worker}" if run.worker else "")),
        ("ended", _when(out, run.ended)),
        ("progress", _progress(run)),
        ("result", value_text(run.result) if run.result is not None else ""),
        ("error", f"{run.error.class_path}: {run.error.text}" if run.error else ""),
    ]
    for name, text in lines:
        if text:
            out.row(f"{name:>9}  {text}")
    _show_attempts(out, run)
    _show_block(out, "traceback", run.error.traceback if run.error else None)
    _show_block(out, "log", "\n".join(run.logs))


def _place_in_group(message: Message) -> str:
    return "" if message.group is None else f"{message.group}, member {message.group_index}"


def _gate(message: Message) -> str:
    if message.gate is None:
        return ""
    return (
        "all of a header that is still being sent" if message.gate.size is None else plural(message.gate.size, "other")
    )


def _joins(message: Message) -> str:
    more = len(message.joins) - SHOWN_JOINS
    named = ", ".join(join.id for join in message.joins[:SHOWN_JOINS])
    return f"{named} and {more} more" if more > 0 else named


def _show_attempts(out: Output, run: Run) -> None:
    for attempt in run.attempts:
        took = ""
        if attempt.started is not None and attempt.ended is not None:
            took = f" after {span((attempt.ended - attempt.started) / 1000)}"
        error = f": {attempt.error.class_path}: {attempt.error.text}" if attempt.error else ""
        out.row(f"  attempt  {attempt.number} on {attempt.worker or '?'} {attempt.outcome}{took}{error}")


def _show_block(out: Output, heading: str, text: str | None) -> None:
    if text:
        out.data(f"\n{heading}:")
        out.data(visible(text.rstrip("\n"), None))


def _progress(run: Run) -> str:
    if run.progress is None:
        return ""
    of = f" of {run.progress.total:g}" if run.progress.total is not None else ""
    return f"{run.progress.done:g}{of} {run.progress.note}".rstrip()


def _when(out: Output, instant: Instant | None) -> str:
    return "" if instant is None else local(instant, out.zone)
