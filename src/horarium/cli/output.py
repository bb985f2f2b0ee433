"""What a command shows: data on stdout, talk on stderr.

A listing is a table on a terminal, tab-separated lines without a heading or truncation elsewhere, and one JSON
document with ``--json``. rich is imported only when a table is drawn on a terminal.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TextIO, TypeAlias

import click
import msgspec
from msgspec import Struct

from horarium.observe.moments import iso, local, span
from horarium.observe.text import one_line

Kind: TypeAlias = Literal["text", "instant", "seconds", "json"]
Row: TypeAlias = Mapping[str, Any]  # Any: what JSON can say, plus instants as their column tells

STATE_STYLES = {
    "SUCCESS": "green",
    "FAILURE": "red",
    "DEAD": "red",
    "REJECTED": "red",
    "RETRY": "yellow",
    "EXPIRED": "yellow",
    "REVOKED": "yellow",
    "STARTED": "cyan",
    "RECEIVED": "cyan",
    "by hand": "red",
    "rewritten": "green",
    "no effect": "yellow",
}


class Column(Struct, frozen=True):
    key: str
    heading: str
    kind: Kind = "text"


class Output:
    """Where a command's words go. ``color`` False: none, terminal or not; ``zone``: of the times people read."""

    def __init__(self, *, quiet: bool = False, color: bool = True, zone: str = "UTC") -> None:
        self.quiet = quiet
        self.color = color and not os.environ.get("NO_COLOR")
        self.zone = zone

    @property
    def on_terminal(self) -> bool:
        return _is_terminal(sys.stdout)

    @property
    def talks_to_terminal(self) -> bool:
        """Whether a person watches what is said on stderr."""
        return not self.quiet and _is_terminal(sys.stderr)

    def data(self, text: str) -> None:
        """Write data that is ours, or that was made visible."""
        click.echo(text)

    def row(self, *cells: str) -> None:
        """Write one line of data, tabs between its cells, whatever foreign text they hold."""
        click.echo("\t".join(one_line(cell, None) for cell in cells))

    def document(self, value: Any) -> None:
        """Write one JSON document: indented for eyes, one line for pipes."""
        encoded = msgspec.json.encode(value)
        click.echo(msgspec.json.format(encoded, indent=2 if self.on_terminal else 0).decode())

    def say(self, text: str) -> None:
        """Talk to the person, on stderr; ``-q`` silences it."""
        if not self.quiet:
            click.echo(text, err=True)

    def mark(self, text: str, style: str) -> str:
        """Return the text in a colour, if stdout takes colours."""
        return click.style(text, fg=style) if self.color and self.on_terminal else text

    def table(
        self, columns: Sequence[Column], rows: Sequence[Row], *, as_json: bool = False, empty: str = "nothing to show"
    ) -> None:
        """Write a listing; ``empty`` is said on stderr when there is nothing in it."""
        if as_json:
            self.document([self._plain(columns, row) for row in rows])
        elif not rows:
            self.say(empty)
        elif self.on_terminal:
            self._draw(columns, rows)
        else:
            for row in rows:
                self.row(*(_cell(column, row.get(column.key)) for column in columns))

    def _plain(self, columns: Sequence[Column], row: Row) -> dict[str, Any]:
        """Return the whole row, its instants said in ISO 8601."""
        instants = {column.key for column in columns if column.kind == "instant"}
        return {key: iso(value) if key in instants and value is not None else value for key, value in row.items()}

    def _draw(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in columns:
            table.add_column(column.heading, justify="right" if column.kind == "seconds" else "left")
        for row in rows:
            table.add_row(
                *(
                    Text(text := self._shown(column, row.get(column.key)), style=STATE_STYLES.get(text, ""))
                    for column in columns
                )
            )
        Console(no_color=not self.color, highlight=False).print(table)

    def _shown(self, column: Column, value: Any) -> str:
        return one_line(self._said(column, value), None)

    def _said(self, column: Column, value: Any) -> str:
        match column.kind:
            case "instant" if value is not None:
                return local(value, self.zone)
            case "seconds" if value is not None:
                return span(value)
            case _:
                return _cell(column, value)


def short(text: str, width: int) -> str:
    """Return the text cut to a width, with an ellipsis where it was cut."""
    return text if len(text) <= width else text[: width - 1] + "…"


def _cell(column: Column, value: Any) -> str:
    match value:
        case None:
            return ""
        case _ if column.kind == "instant":
            return iso(value)
        case float() if column.kind == "seconds":
            return f"{value:.3f}"
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case list() | tuple() if column.kind == "text":
            return ", ".join(map(str, value))
        case _:
            return msgspec.json.encode(value).decode()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False
