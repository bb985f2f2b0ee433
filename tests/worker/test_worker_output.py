"""What runs print and log, and how much of it is kept."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import pytest

from horarium import loglines
from horarium.loglines import LogLine
from horarium.worker import output
from horarium.worker.output import CURRENT, Bounds, Capture, KeepRecords, TaskOutput

NOON = 1_764_331_200_123  # 2025-11-28T12:00:00.123Z


class Redacts:
    """Takes a word out of lines that are nothing else."""

    def __init__(self, word: str = "\0") -> None:
        self.word = word

    def are_plain(self, texts: Sequence[str]) -> bool:
        return not any(self.word in text for text in texts)

    def line(self, text: str) -> str:
        return text.replace(self.word, "-")


def capture_of(*, word: str = "\0", **bounds: int) -> Capture:
    return Capture(Bounds(**bounds), lambda: NOON, Redacts(word))


def texts(lines: Sequence[str]) -> list[str]:
    return [loglines.read(line).text for line in lines]


def test_printed_lines_are_kept_with_the_run_that_printed_them(capsys: pytest.CaptureFixture[str]) -> None:
    stream = TaskOutput(sys.stdout, 30)
    one, two = capture_of(), capture_of()
    for capture, words in ((one, "a\nb"), (two, "c\n")):
        token = CURRENT.set(capture)
        stream.write(words)
        CURRENT.reset(token)
    stream.write("outside\n")
    assert one.close(30) == ("2025-11-28T12:00:00.123Z WARNING print: a", "2025-11-28T12:00:00.123Z WARNING print: b")
    assert texts(two.close(30)) == ["c"]
    assert capsys.readouterr().out == "outside\n"


def test_a_kept_line_says_when_how_grave_and_who() -> None:
    line = loglines.written(NOON, "ERROR", "shop:tasks", "it: broke\nhere")
    assert loglines.read(line) == LogLine(text="it: broke\nhere", at=NOON, level="ERROR", name="shop.tasks")
    for other in ("... 3 lines are left out", "2025-02-31T12:00:00.123Z ERROR a: b", ""):
        assert loglines.read(other) == LogLine(text=other)


def test_of_a_flood_the_beginning_and_the_end_are_kept_and_the_gap_is_named() -> None:
    capture = capture_of(lines=6, size=1_000_000)
    for number in range(10_000):
        capture.write(f"{number}\n", 30)
    *lines, last = capture.close(30)
    assert [*texts(lines), loglines.read(last).text] == [
        *("0", "1", "2"),
        "... 9,994 lines are left out here: worker_output_limit and worker_output_lines say how much is kept",
        *("9997", "9998", "9999"),
    ]


def test_no_more_bytes_are_kept_than_may_be_of_a_line_and_of_all() -> None:
    capture = capture_of(size=2000, line=200)
    for number in range(500):
        capture.keep("INFO", "shop", f"{number} " + "\u00e4" * 1000 + " end")
    lines = capture.close(30)
    assert sum(len(line.encode()) for line in lines if not line.startswith("...")) <= 2000
    assert all(len(line.encode()) <= 200 for line in lines)
    assert lines[0].endswith(" end") and " […] " in lines[0]
    assert loglines.read(lines[-1]).text.startswith("499 ")


def test_a_long_text_without_a_line_end_is_cut_without_copying_its_rest_at_each_cut() -> None:
    """Were it copied, this would take longer than a test may."""
    capture = Capture(Bounds(), lambda: 0, Redacts())
    capture.write("x" * 64_000_000, logging.INFO)
    *kept, last = capture.close(logging.INFO)
    assert sum(map(len, [*kept, last])) <= 70_000
    assert capture.dropped > 15_000


def test_where_nothing_is_kept_printed_lines_go_to_the_log_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    capture = capture_of(size=0, word="tiger")
    capture.write("a tiger\n", 30)
    assert capture.close(30) == ()
    assert caplog.messages == ["a -"]


def test_log_records_of_a_run_are_kept_and_the_workers_own_are_not() -> None:
    handler, capture = KeepRecords(), capture_of(word="tiger")
    token = CURRENT.set(capture)
    for name in ("shop", "horarium.worker"):
        handler.emit(logging.LogRecord(name, logging.ERROR, "", 0, "it %s", ("broke, tiger",), None))
    try:
        raise ValueError("tiger")
    except ValueError:
        handler.emit(logging.LogRecord("shop", logging.ERROR, "", 0, "failed", (), sys.exc_info()))
    CURRENT.reset(token)
    first, second = map(loglines.read, capture.so_far())
    assert (first.level, first.name, first.text) == ("ERROR", "shop", "it broke, -")
    assert second.text.startswith("failed\nTraceback") and second.text.endswith("ValueError: -")


def test_records_and_printed_lines_are_kept_in_the_order_in_which_they_were_said(
    caplog: pytest.LogCaptureFixture,
) -> None:
    capture, said = capture_of(word="tiger", lines=10_000, size=10_000_000), []
    for number in range(3 * output.BATCH):
        word = "tiger" if number % 50 == 7 else "x" * (2000 if number % 90 == 3 else 1)
        said.append(f"{number} {word.replace('tiger', '-')}")
        if number % 70 == 69:
            capture.write(f"{number} {word}\n", logging.INFO)
        else:
            capture.note(logging.LogRecord("shop", logging.ERROR, "", 0, "%d %s", (number, word), None))
        if number % 40 == 0:
            assert capture.is_changed
            assert texts(capture.so_far()) == said
            assert not capture.is_changed
    assert texts(capture.close(logging.INFO)) == said


def test_of_a_flood_of_records_no_more_is_kept_than_of_printed_lines() -> None:
    noted, kept = capture_of(lines=300, size=20_000, line=500), capture_of(lines=300, size=20_000, line=500)
    for number in range(1000):
        text = f"{number} " + ("\u00e4\U0001f600" * (number % 300) if number % 3 else "x" * (number % 40))
        noted.note(logging.LogRecord("shop", logging.ERROR, "", 0, text, (), None))
        kept.keep("ERROR", "shop", text)
    assert noted.close(30) == kept.close(30)
    assert noted.dropped == kept.dropped > 0


def test_a_record_that_cannot_be_written_harms_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    handler, capture = KeepRecords(), capture_of()
    token = CURRENT.set(capture)
    handler.emit(logging.LogRecord("shop", logging.ERROR, "", 0, "it %d", ("broke",), None))
    CURRENT.reset(token)
    assert not capture.is_used
    assert "Logging error" in capsys.readouterr().err


def test_a_logger_that_keeps_its_records_to_itself_is_heard_too(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet, root = logging.getLogger("shop.quiet"), logging.getLogger()
    for logger in (quiet, root):
        monkeypatch.setattr(logger, "handlers", [logging.NullHandler()])
    monkeypatch.setattr(quiet, "propagate", False)
    output.install(None)
    capture = capture_of()
    token = CURRENT.set(capture)
    quiet.warning("psst")
    CURRENT.reset(token)
    assert texts(capture.so_far()) == ["psst"]
    assert len(root.handlers) == len(quiet.handlers) == 2
