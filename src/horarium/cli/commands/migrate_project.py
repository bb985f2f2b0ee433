"""``horarium migrate-project``: what of a project for Celery works here, and its imports and commands rewritten."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.leftovers import BEAT, WORKER
from horarium.cli.options import JSON, Command, global_options, option
from horarium.cli.output import Column, Output
from horarium.cli.session import Session
from horarium.moving.commands import CommandLine
from horarium.moving.folder import Unreadable, files_of, replace
from horarium.moving.git import uncommitted
from horarium.moving.project import look
from horarium.moving.report import Change, Found, Report

MANY = 300  # files: fewer are looked at before a bar could be read
COLUMNS = (
    Column("verdict", "VERDICT"),
    Column("where", "WHERE"),
    Column("what", "WHAT"),
    Column("advice", "WHAT TO KNOW"),
)
SECTIONS = {
    "import": "Imports",
    "setting": "Settings",
    "schedule": "Schedules",
    "option": "Options of tasks and calls",
    "content": "Content that is not JSON",
    "part": "Parts of one's own, and parts of Celery's family",
    "text": "Texts that name Celery",
    "command": "Commands",
    "package": "Packages",
    "file": "Files that could not be read",
}


@click.command("migrate-project", cls=Command)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@option("--write", is_flag=True, help="Change the files; without it nothing is written.")
@option("--force", is_flag=True, help="Write although git has no copy of what would be changed.")
@option("--diff", "as_diff", is_flag=True, help="Print what would change in the files, as a diff, instead of the list.")
@JSON
@click.pass_context
def command(ctx: click.Context, path: Path, write: bool, force: bool, as_diff: bool, as_json: bool) -> int:
    """Look through a project that was written for Celery, and rewrite its imports, commands and requirements.

    Nothing of the project is run. Each finding is `works`, `note`, `no effect`, `rewritten` or `by hand`; the exit code
    is 1 if something is left that only a person can do. Needs horarium[migrate].
    """
    session = ctx.ensure_object(Session)
    session.enter_folder()
    out = session.out
    with _progress(path, out) as each:
        report = look(path, command_line(ctx), each=each)
    if write and report.changes:
        _refuse_what_cannot_be_had_back(path, report, out, force=force)
        report = _written(path, report)
    if as_diff:
        for line in _diff(report.changes):
            out.data(line)
    elif as_json:
        out.document(_document(report, written=write))
    else:
        _show(out, report)
    _sum_up(out, report, write=write)
    return Exit.FAILED if report.blocked else Exit.OK


def command_line(ctx: click.Context) -> CommandLine:
    """Return what our command line understands, read from its own declarations."""
    root = ctx.find_root().command
    options: dict[str, dict[str, str]] = {}
    for name in root.list_commands(ctx) if isinstance(root, click.Group) else ():
        one = root.get_command(ctx, name) if isinstance(root, click.Group) else None
        below = list(getattr(one, "commands", {}).values())
        options[name] = {
            opt: ""
            for each in (one, *below)
            if each
            for param in each.params
            for opt in (*param.opts, *param.secondary_opts)
        }
    for name, leftovers in (("worker", WORKER), ("beat", BEAT)):
        options[name] |= {opt: left.reason for left in leftovers for names in left.names for opt in names.split("/")}
    shared = {opt for one in global_options(repeated=False) for opt in one.opts}
    return CommandLine(options, frozenset(shared | {"--help", "--version", "-h", "-V"}))


@contextmanager
def _progress(path: Path, out: Output) -> Iterator[Callable[[Path], None]]:
    """Give what is called for each file: it moves a bar on stderr, if that is a terminal and there are many files."""
    import sys

    number = sum(1 for _ in files_of(path)) if sys.stderr.isatty() and not out.quiet else 0
    if number < MANY:
        yield lambda path: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True, no_color=not out.color), transient=True) as bar:
        task = bar.add_task("looking through the files", total=number)
        yield lambda path: bar.advance(task)


def _refuse_what_cannot_be_had_back(path: Path, report: Report, out: Output, *, force: bool) -> None:
    """Raises: Stop when git has no copy of what is about to be changed."""
    dirty = uncommitted(path, [change.path for change in report.changes])
    if dirty is None:
        out.say("note: this is no work tree of git; what is changed cannot be had back from it")
    if dirty and not force:
        shown = ", ".join(dirty[:3]) + (f" and {len(dirty) - 3} more" if len(dirty) > 3 else "")
        raise Stop(
            f"expected a clean work tree, so that a change can be taken back, got changes in {shown}",
            Exit.REFUSED,
            hints=["commit or stash them first, or say --force"],
        )


def _written(path: Path, report: Report) -> Report:
    """Write the changes; return the report with those that could not be written as work for a person."""
    failed: list[Found] = []
    for change in report.changes:
        try:
            replace(path, change)
        except Unreadable as error:
            failed.append(Found(change.path, 1, "file", "not written", "by hand", str(error)))
    lost = {one.path for one in failed}
    kept = [one for one in report.found if not (one.path in lost and one.verdict == "rewritten")]
    return Report(kept + failed, [one for one in report.changes if one.path not in lost], report.files)


def _show(out: Output, report: Report) -> None:
    for kind, title in SECTIONS.items():
        rows = [_row(one) for one in report.found if one.kind == kind]
        if rows and out.on_terminal:
            out.data(f"\n{out.mark(title, 'cyan')}")
        if rows:
            out.table(COLUMNS, rows)
    if not report.found:
        out.say("nothing of Celery's was found")


def _row(one: Found) -> dict[str, str]:
    return {"verdict": one.verdict, "where": f"{one.path}:{one.line}", "what": one.what, "advice": one.advice}


def _document(report: Report, *, written: bool) -> dict[str, object]:
    return {
        "files": report.files,
        "counts": report.counts(),
        "changed": [change.path for change in report.changes],
        "written": written,
        "found": report.found,
    }


def _diff(changes: Sequence[Change]) -> Iterator[str]:
    for change in changes:
        before, after = (text.decode("utf-8", "replace").splitlines() for text in (change.before, change.after))
        yield from difflib.unified_diff(before, after, f"a/{change.path}", f"b/{change.path}", lineterm="")


def _sum_up(out: Output, report: Report, *, write: bool) -> None:
    counted = ", ".join(f"{number} {verdict}" for verdict, number in report.counts().items() if number)
    did = "changed" if write else "would change with --write"
    files = f"{len(report.changes)} of {report.files} files {did}"
    out.say(f"{files}; found: {counted}" if counted else files)
