"""``horarium logtool``: read a worker's log back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TextIO

import click

from horarium.cli.options import JSON, Group
from horarium.cli.session import Session
from horarium.observe import logbook
from horarium.observe.logbook import Entry

FILES = click.argument("files", nargs=-1, type=click.File("r", errors="replace"), metavar="[FILE]...")


@click.group("logtool", cls=Group)
def command() -> None:
    """Read the logs of workers back, from files or stdin. They must be in the default format."""


@command.command("stats")
@FILES
@JSON
@click.pass_obj
def stats(session: Session, files: tuple[TextIO, ...], as_json: bool) -> None:
    """Add up runs, ends and errors."""
    found = logbook.summary(_entries(files))
    if as_json:
        session.out.document(found)
        return
    out = session.out
    out.data(f"received\t{found.received}")
    for how, number in sorted(found.ends.items()):
        out.row(how, str(number))
    out.data(f"errors\t{found.errors}")
    for task, number in sorted(found.tasks.items(), key=lambda each: (-each[1], each[0])):
        out.row(task, str(number))


@command.command("traces")
@FILES
@click.pass_obj
def traces(session: Session, files: tuple[TextIO, ...]) -> None:
    """Print each traceback once, the most frequent first, with how often it stands there."""
    for trace, number in logbook.traces(_entries(files)).most_common():
        session.out.data(f"{number} times:\n{trace}\n")


@command.command("errors")
@FILES
@click.pass_obj
def show_errors(session: Session, files: tuple[TextIO, ...]) -> None:
    """Print the entries of level ERROR and above, with what stands below them."""
    for entry in _entries(files):
        if entry.level in logbook.LOUD:
            session.out.data("\n".join(entry.lines))


@command.command("incomplete")
@FILES
@click.pass_obj
def incomplete(session: Session, files: tuple[TextIO, ...]) -> None:
    """List the runs that were received and have no end in the log: id and task."""
    for id, task in logbook.incomplete(_entries(files)).items():
        session.out.row(id, task)


@command.command("debug")
@FILES
@click.pass_obj
def debug(session: Session, files: tuple[TextIO, ...]) -> None:
    """Print the entries that are not about one run: what the worker says of itself."""
    for entry in _entries(files):
        if not logbook.is_of_a_run(entry):
            session.out.data("\n".join(entry.lines))


def _entries(files: tuple[TextIO, ...]) -> Iterator[Entry]:
    for file in files or (sys.stdin,):
        yield from logbook.entries(file)
