"""``horarium check``: is the app right? Asks no store, so it fits a commit hook or a build."""

from __future__ import annotations

import click

from horarium.cli.exits import Exit
from horarium.cli.options import JSON, Command
from horarium.cli.session import Session
from horarium.dropin import told
from horarium.observe.checks import check_app
from horarium.observe.finding import plural


@click.command("check", cls=Command)
@JSON
@click.pass_obj
def command(session: Session, as_json: bool) -> int:
    """Check that the app imports, and its settings, tasks and schedules. Exit code 1 if something is wrong."""
    app, out = session.app, session.out
    findings = [*told.notes(), *check_app(app)]
    errors = sum(finding.level == "problem" for finding in findings)
    if as_json:
        out.document(findings)
    else:
        for finding in findings:
            out.row(f"{finding.level if finding.level != 'problem' else 'error':<6} {finding.text}")
            if finding.remedy:
                out.row(f"       -> {finding.remedy}")
        out.say(
            f"{plural(errors, 'error')}"
            if errors
            else f"{app.main}: {plural(len(app.tasks.own), 'task')}, {plural(len(app.raw_entries()), 'schedule')}, "
            "no error"
        )
    return Exit.FAILED if errors else Exit.OK
