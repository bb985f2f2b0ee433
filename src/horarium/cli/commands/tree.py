"""``horarium runs tree``: a workflow as a whole, from the id of any run of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from horarium.cli.lookup import find_run
from horarium.cli.options import JSON, option
from horarium.cli.output import STATE_STYLES, Output
from horarium.cli.session import Session
from horarium.observe.moments import span
from horarium.observe.text import one_line
from horarium.observe.tree import Crowd, Line, Step, Workflow, workflow_of, workflow_under
from horarium.outcome import Run

SHORT = 8  # characters of an id that people are shown
NAMED = 3  # of those that a run waits for
Add = Callable[[str, str], Any]  # a line of text and its style, below something; returns the Add below that line


@click.command("tree")
@click.argument("run_id", metavar="ID")
@option("-n", "--limit", type=click.IntRange(1), default=20, show_default=True, help="So many members of a group.")
@JSON
@click.pass_obj
def command(session: Session, run_id: str, limit: int, as_json: bool) -> None:
    """Show the workflow that a run belongs to: what follows what, what has been sent, and what waits for what."""
    workflow = workflow_under(session.engine, run_id) or workflow_of(session.engine, find_run(session.engine, run_id))
    if as_json:
        session.out.document(_document(workflow))
        return
    _draw(session.out, workflow, limit)
    if not workflow.is_whole:
        session.out.say(f"it has more runs than the {len(workflow.runs)} that were looked at")


def _draw(out: Output, workflow: Workflow, limit: int) -> None:
    heading = f"workflow {workflow.root}: {_counted(workflow.runs)}"
    if not out.on_terminal:
        out.row(heading)
        _write(workflow, _plain(out, 1), limit)
        return
    from rich.console import Console
    from rich.tree import Tree

    tree = Tree(heading)
    _write(workflow, _rich(tree), limit)
    Console(no_color=not out.color, highlight=False).print(tree)


def _plain(out: Output, depth: int) -> Add:
    def add(text: str, style: str) -> Add:
        out.row("  " * depth + text)
        return _plain(out, depth + 1)

    return add


def _rich(tree: Any) -> Add:
    from rich.text import Text

    def add(text: str, style: str) -> Add:
        state, _, rest = text.partition(" ")
        line = Text.assemble((state, style), f" {one_line(rest, None)}") if style else Text(one_line(text, None))
        return _rich(tree.add(line))

    return add


def _write(workflow: Workflow, add: Add, limit: int) -> None:
    for line in workflow.lines:
        _write_line(line, add, limit)


def _write_line(line: Line, add: Add, limit: int) -> None:
    for element in line:
        if isinstance(element, Step):
            below = add(_text(element), STATE_STYLES.get(element.run.state, ""))
            for sent in element.sent:
                _write_line(sent, below, limit)
            continue
        below = add(f"side by side, {len(element.members)}:", "")
        for member in element.members[:limit]:
            if len(member) > 1:
                _write_line(member, below(f"{len(member)} in a row:", ""), limit)
            else:
                _write_line(member, below, limit)
        if len(element.members) > limit:
            below(f"... and {len(element.members) - limit} more: {_counted(_runs_of(element)[limit:])}", "")


def _runs_of(crowd: Crowd) -> list[Run]:
    return [member[-1].run for member in crowd.members if isinstance(member[-1], Step)]


def _text(step: Step) -> str:
    run = step.run
    took = "" if run.took is None else f" in {span(run.took)}"
    return f"{run.state} {run.message.task} {run.id[:SHORT]}{took}{_waiting(step)}{_failed(run)}"


def _waiting(step: Step) -> str:
    if not step.waits_for:
        return ""
    named = ", ".join(id[:SHORT] for id in step.waits_for[:NAMED])
    more = f" and {len(step.waits_for) - NAMED} more" if len(step.waits_for) > NAMED else ""
    return f", waits for {named}{more}"


def _failed(run: Run) -> str:
    return f": {run.error.class_path.rpartition('.')[2]}: {run.error.text:.80}" if run.error is not None else ""


def _counted(runs: list[Run] | tuple[Run, ...]) -> str:
    states = Counter(run.state for run in runs)
    return ", ".join(f"{number} {state}" for state, number in sorted(states.items()))


def _document(workflow: Workflow) -> dict[str, Any]:  # Any: JSON
    return {
        "root": workflow.root,
        "is_whole": workflow.is_whole,
        "lines": [_line_document(line) for line in workflow.lines],
    }


def _line_document(line: Line) -> list[dict[str, Any]]:
    return [
        {"group": [_line_document(member) for member in element.members]}
        if isinstance(element, Crowd)
        else _step_document(element)
        for element in line
    ]


def _step_document(step: Step) -> dict[str, Any]:
    run = step.run
    return {
        "id": run.id,
        "task": run.message.task,
        "state": run.state,
        "seconds": run.took,
        "error": run.error,
        "waits_for": step.waits_for,
        "sent": [_line_document(line) for line in step.sent],
    }
