"""What people and programs see: tables on a terminal, lines and JSON elsewhere; nothing imported in vain."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from horarium.observe.moments import local, parse_past, span

APP = """
from horarium import Horarium
app = Horarium("shop", store="memory://")
@app.task(name="shop.charge")
def charge(order: int) -> int:
    "Charge an order."
    return order
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(APP)
    return tmp_path


def run(project: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "horarium", *arguments],
        cwd=project,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def on_a_terminal(project: Path, *arguments: str, **environment: str) -> str:
    """Run a command whose stdout is a terminal; return what it showed there."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.run(
            [sys.executable, "-m", "horarium", *arguments],
            cwd=project,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL,
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
        os.close(theirs)
        assert process.returncode == 0, process.stderr
        return os.read(ours, 65536).decode()
    finally:
        os.close(ours)


def test_a_terminal_gets_a_table_with_headings(project: Path) -> None:
    shown = on_a_terminal(project, "tasks", "list")
    assert "TASK" in shown and "WHAT IT DOES" in shown and "\t" not in shown
    assert "\x1b[" in shown


@pytest.mark.parametrize(("arguments", "environment"), [(["-C"], {}), ([], {"NO_COLOR": "1"})])
def test_colours_can_be_refused(project: Path, arguments: list[str], environment: dict[str, str]) -> None:
    shown = on_a_terminal(project, *arguments, "tasks", "list", **environment)
    assert "TASK" in shown and "\x1b[3" not in shown


def test_a_pipe_gets_tab_separated_lines(project: Path) -> None:
    result = run(project, "tasks", "list")
    assert result.stdout == "shop.charge\tdefault\t3\t\t\t\tCharge an order.\n"


def test_a_reader_that_goes_away_is_no_traceback(project: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    try:
        process = subprocess.run(
            [sys.executable, "-m", "horarium", "tasks", "list"],
            cwd=project,
            stdout=theirs,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    finally:
        os.close(theirs)
    assert (process.returncode, process.stderr) == (141, b"")


@pytest.mark.parametrize("arguments", ["['--help']", "['worker', '--help']", "['tasks', 'list']"])
def test_rich_is_imported_only_for_a_table_on_a_terminal(project: Path, arguments: str) -> None:
    code = (
        "import sys\nfrom horarium.cli.main import root\n"
        f"try:\n    root.main({arguments})\nexcept SystemExit:\n    pass\n"
        "sys.exit('rich' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=project, timeout=30, check=False).returncode == 0


def test_help_imports_neither_a_command_nor_an_engine() -> None:
    code = (
        "import sys\nfrom horarium.cli.main import root\n"
        "try:\n    root.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = ('horarium.cli.commands', 'horarium.engines.sqlite', 'horarium.worker', 'apsw', 'rich', 'asyncio')\n"
        "found = [name for name in heavy if name in sys.modules]\n"
        "print(found, file=sys.stderr)\nsys.exit(bool(found))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], timeout=30, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_an_unexpected_error_is_one_line_with_its_place(project: Path) -> None:
    code = (
        "import horarium.cli.output as output\n"
        "def broken(*a, **k): raise ValueError('surprise')\n"
        "output.Output.table = broken\n"
        "from horarium.cli.main import main\nmain(['tasks', 'list'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=project, capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 1
    assert "ValueError: surprise" in result.stderr and "Traceback" not in result.stderr
    assert "HORARIUM_TRACEBACK" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_shells_script(project: Path, shell: str) -> None:
    result = run(project, "completion", shell)
    assert result.returncode == 0 and "_HORARIUM_COMPLETE" in result.stdout


def test_completion_knows_the_commands(project: Path) -> None:
    result = run(project, _HORARIUM_COMPLETE="bash_complete", COMP_WORDS="horarium sch", COMP_CWORD="1")
    assert result.stdout.strip() == "plain,schedules"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.35, "350 ms"), (4.2, "4.2 s"), (60, "1 m"), (200, "3 m 20 s"), (187_200, "2 d 4 h"), (-1, "0 ms")],
)
def test_a_span_has_two_units_at_most(seconds: float, text: str) -> None:
    assert span(seconds) == text


def test_a_time_never_stands_without_its_zone() -> None:
    assert local(1_767_225_600_000, "America/New_York") == "Wed 31 Dec 2025  19:00:00 EST"
    assert local(1_767_225_600_000, "Asia/Tashkent").endswith("UTC+05")


def test_a_past_is_a_span_or_a_moment() -> None:
    now = 1_767_225_600_000
    assert parse_past("2h", "UTC", now=now) == now - 7_200_000
    assert parse_past("2026-01-01T01:00", "Europe/Berlin", now=0) == now
    with pytest.raises(ValueError):
        parse_past("lately", "UTC", now=now)


@pytest.mark.parametrize("text", ["99999999999d", "30000d", "9999-12-31T23:59", "0001-01-01T00:00+05:00", "1969-12-31"])
def test_a_moment_that_cannot_be_shown_everywhere_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="it is not from 1970 to 9998"):
        parse_past(text, "America/New_York", now=1_767_225_600_000)


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 4, "PENDING"), ("y", 0, "REVOKED")])
def test_purge_asks_on_a_terminal(project: Path, answer: str, code: int, left: str) -> None:
    store = ("--store", "sqlite:///shop.db")
    assert run(project, *store, "call", "shop.charge", "-a", "[1]").returncode == 0
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "horarium", *store, "purge"],
            cwd=project,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            os.write(ours, f"{answer}\n".encode())
            _, said = process.communicate(timeout=30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == code and b"Cancel 1 waiting message of 1 queue (default)?" in said
    assert left in run(project, *store, "runs", "list").stdout


def test_advice_repeats_the_app_and_the_store_but_no_password(project: Path) -> None:
    store = ("--store", "sqlite:///my shop.db")
    assert run(project, *store, "call", "shop.charge", "-a", "[1]").returncode == 0
    told = run(project, "-A", "shop", *store, "inspect", "ping", "-t", "0.1").stderr
    assert "horarium -A shop --store 'sqlite:///my shop.db' worker" in told

    from horarium.cli.session import Session

    session = Session()
    session.store = "redis://:secret@host/0"
    assert session.command == "horarium --store URL"
