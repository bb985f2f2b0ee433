"""``horarium doctor``: why something does not run, and the command that mends it. Also a health check."""

from __future__ import annotations

import click

from horarium.cli.exits import Exit
from horarium.cli.lookup import find_run
from horarium.cli.options import JSON, Command
from horarium.cli.output import Output
from horarium.cli.session import Session
from horarium.clock import SystemClock
from horarium.dropin import told
from horarium.errors import RunNotFound
from horarium.observe.doctor import Facts, Finding, diagnose, gather
from horarium.observe.facts import held_run
from horarium.observe.text import one_line
from horarium.observe.waiting import diagnose_run, diagnose_task

MARKS = {
    "ok": ("OK", "green"),
    "note": ("note", "yellow"),
    "warning": ("WARN", "yellow"),
    "problem": ("problem", "red"),
}


@click.command("doctor", cls=Command)
@click.argument("subject", metavar="[TASK or RUN ID]", required=False)
@JSON
@click.pass_obj
def command(session: Session, subject: str | None, as_json: bool) -> int:
    """Look at the whole installation, at one task, or at one run.

    Each line says OK, note, WARN or problem; a problem comes with the command that mends it. Exit code 1 if there is
    one.
    """
    app = session.app
    facts = gather(app, SystemClock().now(), command=session.command, is_thorough=True)
    findings = [*told.notes(), *diagnose(facts)] if subject is None else _about(session, facts, subject)
    if as_json:
        session.out.document(findings)
    else:
        for finding in findings:
            _show(session.out, finding)
    return Exit.FAILED if any(finding.level == "problem" for finding in findings) else Exit.OK


def _about(session: Session, facts: Facts, subject: str) -> list[Finding]:
    """Judge a task if the subject is the name of one, else a run if it is the beginning of an id."""
    waiting = {task for queue in facts.queues.values() for task in queue.tasks}
    if facts.trouble is not None or subject in facts.tasks | facts.tasks_run | waiting:
        return diagnose_task(facts, subject)
    try:
        run = find_run(session.engine, subject)
    except RunNotFound:
        if _looks_like_id(subject):
            raise
        return diagnose_task(facts, subject)
    return diagnose_run(facts, run, None if run.has_ended else held_run(session.engine, run))


def _looks_like_id(subject: str) -> bool:
    return all(character in "0123456789abcdefABCDEF-" for character in subject)


def _show(out: Output, finding: Finding) -> None:
    word, style = MARKS[finding.level]
    out.data(f"{out.mark(f'{word:<8}', style)} {one_line(finding.text, None)}")
    if finding.remedy:
        out.row(f"{'':<8}   -> {finding.remedy}")
