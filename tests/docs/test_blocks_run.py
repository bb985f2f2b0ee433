"""Every block of the pages that nobody types is run as well, or checked, or stands here with the reason why it is not.

Python is run, page by page in a process of its own, after the page's preamble (preambles.py). In shell blocks each line
is looked at by shell_words.py: our commands must take their words, what is named must be there, and the programs of
others are listed. YAML is read. What is only for readers is named in FOR_READERS. The lists are exact: a line that is
not needed any more fails, so nothing is exempt in silence.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from command_words import is_accepted
from page_blocks import ROOT, Block, blocks_of, left_over
from preambles import PREAMBLES
from shell_words import OTHERS, calls_in, trouble_with

from horarium.observe.question import parse, written
from servers import PostgresServer

LEFT_OVER = list(left_over())
# Python that is not run, by page and first line.
NOT_RUN = {
    (
        "docs/how-to/control-workers.md",
        "state = app.events.State()",
    ): "listens for ever; so tests/app/test_events.py does it",
}
SHELLS = ("sh", "bash", "text")
ADDRESS = "postgresql://shop@db.example/shop"  # stands for a server of the test's own
DRIVER = ADDRESS.replace("postgresql:", "postgresql+psycopg:")  # as SQLAlchemy writes it
# Kinds that no test can run, and why; a block of an empty kind is named by its page.
FOR_READERS = {
    "nginx": "nginx is not among what the tests need",
    "ini": "a part of a systemd unit; the whole ones are verified by tests/docs/test_service_files.py",
    "js": "runs in a page of the reader's; tests/contrib/test_fastapi_requests.py follows the same stream",
    "diff": "shows what changes in a file",
    "docs/how-to/use-many-hosts.md": "lines of Redis's configuration; tests/redis start servers with them",
    "docs/reference/commands.md": "made from the commands by docs/generate.py",
    "docs/reference/errors.md": "made from the code by docs/generate.py",
    "docs/reference/events.md": "made by the real listener in docs/generate.py",
    "docs/reference/questions.md": "a question, checked below",
    "docs/reference/values.md": "what an error says",
    "docs/why/house.md": "drawings",
}
RUNNER = """
import ast, asyncio, contextlib, json, sys
with contextlib.ExitStack() as until_the_end:  # for what a preamble starts
    names = {"__name__": "page", "until_the_end": until_the_end}
    for place, source in json.load(sys.stdin):
        code = compile(source, place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        if (waiting := eval(code, names)) is not None:
            asyncio.run(waiting)
"""


def fragments() -> dict[str, list[Block]]:
    """Return the Python blocks that are run here, by page."""
    found: dict[str, list[Block]] = defaultdict(list)
    for block in LEFT_OVER:
        if block.kind == "python" and (block.page, block.first) not in NOT_RUN:
            found[block.page].append(block)
    return dict(found)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with PostgresServer() as server:
        yield server.url


@pytest.mark.parametrize("page", sorted(fragments()))
def test_the_python_of_a_page_runs(page: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    sources = [(f"preamble of {page}", PREAMBLES[page])] if page in PREAMBLES else []
    # Line numbers are those of the page.
    sources += [(block.page, "\n" * (block.line - 1) + block.text) for block in fragments()[page]]
    if any(ADDRESS in text for _, text in sources) and "import psycopg" in PREAMBLES.get(page, ""):
        url = request.getfixturevalue("database")
        driver = url.replace("postgresql://", "postgresql+psycopg://")
        sources = [(place, text.replace(DRIVER, driver).replace(ADDRESS, url)) for place, text in sources]
    for block in blocks_of(ROOT / page):
        if block.file is not None:
            (tmp_path / block.file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", RUNNER],
        cwd=tmp_path,
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


SHELL_BLOCKS = [block for block in LEFT_OVER if block.kind in SHELLS and block.page not in FOR_READERS]


@pytest.mark.parametrize("block", SHELL_BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_each_line_of_a_shell_block_calls_what_is_there(block: Block) -> None:
    lines = calls_in(block.text)
    assert lines != []
    place = ROOT.joinpath(block.page).parent
    example = place if (place / "show.py").exists() else None
    assert [why for line in lines if (why := trouble_with(line, example)) is not None] == []


@pytest.mark.parametrize("block", [each for each in LEFT_OVER if each.kind == "yaml"], ids=lambda each: each.page)
def test_yaml_is_yaml_and_its_commands_are_there(block: Block) -> None:
    assert isinstance(yaml.safe_load(block.text), dict)
    for line in re.findall(r"\w: (horarium .*)", block.text):  # of services, and of a Procfile
        assert is_accepted(line.split()[1:]), line


def test_every_question_of_the_page_is_understood() -> None:
    [block] = [each for each in LEFT_OVER if each.page == "docs/reference/questions.md"]
    for line in block.text.splitlines():
        assert parse(written(parse(line))) == parse(line)


def test_no_block_is_left_out_in_silence_and_no_exemption_is_left_over() -> None:
    checked = {"python", "yaml", *SHELLS}
    silent = [
        f"{block.page}:{block.line}"
        for block in LEFT_OVER
        if block.kind not in checked and (block.kind or block.page) not in FOR_READERS
    ]
    assert silent == []
    named = {block.kind or block.page for block in LEFT_OVER} | {each.page for each in LEFT_OVER if each.kind == "text"}
    called = {call[0] for block in SHELL_BLOCKS for call in calls_in(block.text)}
    assert sorted(set(FOR_READERS) - named) == []
    assert sorted(set(OTHERS) - called) == []
    assert sorted(set(NOT_RUN) - {(block.page, block.first) for block in LEFT_OVER}) == []
    assert sorted(set(PREAMBLES) - set(fragments())) == []
