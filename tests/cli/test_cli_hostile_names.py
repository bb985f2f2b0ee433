"""Names that try to be more than a name: no line of a listing is theirs, and no terminal obeys them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from shop_words import Shop

from horarium.cli.output import Column, Output
from horarium.cli.replies import _pretty
from horarium.observe.text import one_line, visible

NAME = "pay\nSUCCESS\tmine\r\x1b[2K\x1b]0;owned\x07\u2028line\u2029par\x85next\x0bvt\u202eoverride\u2066isolate\x9b31m"
BREAKING = "\n\r\t\x0b\x0c\x1b\x07\x85\x9b\u2028\u2029\u202e\u2066"
COLUMNS = (Column("name", "NAME"), Column("args", "ARGS", "json"), Column("queues", "QUEUES"))
ROWS = [{"name": NAME, "args": [NAME], "queues": [NAME, "b"]}, {"name": "plain", "args": [], "queues": ()}]


def check(output: str, lines: int) -> None:
    """The text is made of just these lines, and nothing in it does anything."""
    assert output.endswith("\n") and output.count("\n") == lines == len(output.splitlines()), output
    assert not set(BREAKING) & set(output.replace("\n", "")), ascii(output)


def test_a_text_as_one_line_is_one() -> None:
    assert not set(BREAKING) & set(one_line(NAME, None)) and len(one_line(NAME, None).splitlines()) == 1
    assert not (set(BREAKING) - set("\n\t")) & set(visible(NAME, None))
    assert one_line("x" * 300, None) == "x" * 300


def test_a_name_forges_no_row_and_no_cell_of_a_listing(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(COLUMNS, ROWS)
    shown = capsys.readouterr().out
    assert [line.count("\t") for line in shown.split("\n")] == [2, 2, 0]
    check(shown.replace("\t", " "), 2)


def test_a_name_forges_no_row_of_a_table_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Output, "on_terminal", True)
    monkeypatch.setenv("COLUMNS", "2000")
    Output(color=False).table(COLUMNS, ROWS)
    check(capsys.readouterr().out, 3)  # and the headings


def test_no_worker_answers_for_another_one() -> None:
    check(_pretty([NAME, {"id": NAME}]) + "\n", 2)
    assert not (set(BREAKING) - set("\n\t")) & set(_pretty({"a": NAME}) + _pretty(NAME))


@pytest.fixture
def hostile(shop: Shop) -> Iterator[str]:
    """Yield the id of a run whose names are all hostile."""
    yield shop.app.send_task(NAME, (NAME,), {NAME: NAME}, queue=NAME).id


@pytest.mark.parametrize(
    "words",
    [("runs", "list"), ("queues", "list"), ("tree",), ("runs", "show"), ("doctor",), ("status",), ("tasks", "list")],
)
def test_each_command_keeps_foreign_names_within_their_line(shop: Shop, hostile: str, words: tuple[str, ...]) -> None:
    plain = shop(*words, *([hostile] if words[-1] in ("tree", "show") else []))
    assert plain.exception is None or isinstance(plain.exception, SystemExit), plain.exception
    for output in (plain.stdout, plain.stderr):
        assert not (set(BREAKING) - set("\n\t")) & set(output), ascii(output)
        assert not [line for line in output.splitlines() if line.startswith("SUCCESS")], output
    if words == ("runs", "list"):
        assert len(plain.stdout.splitlines()) == 1
