"""What is wrong in a line of a shell block is found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from command_words import trouble_of
from page_blocks import ROOT
from shell_words import calls_in, trouble_with

EVENTS = ROOT / "examples" / "events"
VALIDIBOT = ROOT / "examples" / "validibot"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("horarium nope", "No such command 'nope'"),
        ("horarium -A shop worker --nope", "No such option '--nope'"),
        ("horarium worker -c many", "expected a number of slots"),
        ("horarium call", "Missing argument 'NAME'"),
        ("horarium runs", "Usage"),
        ("docker compose exec -T worker horarium nope", "No such command 'nope'"),
        ("make nope", "no such verb"),
        ("make run EXAMPLE=nope", "no example nope"),
        ('make run ARGS="--nope 3"', "no option ['--nope']"),
        ("pip install 'horarium[nope]'", "no extra ['nope']"),
        ("nope --help", "OTHERS does not list"),
        ("python nope.py", "OTHERS does not list"),
    ],
)
def test_a_line_that_cannot_work_is_found(line: str, why: str) -> None:
    [call] = calls_in(line)
    assert why in (trouble_with(call) or "")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("python -m app.nope", "no module app.nope"),
        ("python nope.py", "no file nope.py"),
        ("uvicorn app.nope:api --port 8000", "no module app.nope:api"),
        ("horarium -A app.nope worker", "no app app.nope"),
        ("horarium -A app.celery_app call app.tasks.nope", "no task app.tasks.nope"),
        ("horarium -A app.celery_app schedules run nope", "no schedule nope"),
    ],
)
def test_what_an_example_has_not_is_found(line: str, why: str) -> None:
    [call] = calls_in(line)
    assert why in (trouble_with(call, EVENTS) or "")


@pytest.mark.parametrize("line", ["python manage.py nope", "python manage.py cleanup_containers --nope"])
def test_a_command_of_an_example_is_asked_for_its_help(line: str) -> None:
    [call] = calls_in(line)
    assert "no such command, or it has no option" in (trouble_with(call, VALIDIBOT) or "")


def test_paths_and_variables_of_the_readers_machine_are_left_to_the_reader() -> None:
    assert trouble_of(["--workdir", "/srv/nowhere", "worker"]) is None
    assert trouble_of(["web", "--port", "$PORT"]) is None


@pytest.mark.parametrize("page", sorted((ROOT / "examples").glob("*/README.md")), ids=lambda page: page.parent.name)
def test_the_files_that_an_example_says_it_has_are_there(page: Path) -> None:
    _, _, table = page.read_text(encoding="utf-8").partition("## Where things are")
    named = [
        name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`([\w/.*]+)`", row)
    ]
    files = [name for name in named if "/" in name or name.endswith(".py")]
    assert len(files) > 3
    assert [name for name in files if not [*page.parent.rglob(name.rstrip("/"))]] == []
