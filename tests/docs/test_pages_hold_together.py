"""Every link leads somewhere, and everything that a caller can name stands in a page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import get_args

import pytest

import horarium
from horarium import event
from horarium.app.producer import OPTIONS
from horarium.app.request import Request
from horarium.app.result import AsyncResult
from horarium.app.task import Task
from horarium.outcome import State
from horarium.schedules.entries import KEYS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))

from pages.commands import every_command  # noqa: E402
from pages.errors import every_error  # noqa: E402

BESIDES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "bench/README.md")
PAGES = sorted([*(ROOT / name for name in BESIDES), *DOCS.rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CODE = re.compile(r"(?:Problem|_Answer)\(\s*\d{3},\s*\"(\w+)\"")
NAMED_PAGE = re.compile(r"\b(docs/[\w/.-]*\w)(?:#([\w-]+))?")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for target in LINK.findall(FENCED.sub("", text_of(page))):
        if "://" in target:
            continue
        place, _, anchor = target.partition("#")
        found = (page.parent / place).resolve() if place else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached_from_the_index() -> None:
    index = text_of(DOCS / "README.md")
    listed = {(DOCS / target.partition("#")[0]).resolve() for target in LINK.findall(index)}
    own = {page.resolve() for page in DOCS.rglob("*.md")} - {(DOCS / "README.md").resolve()}
    assert own - listed - set((DOCS / "decisions").resolve().iterdir()) == set()


@pytest.mark.parametrize("name", [name for name in horarium.__all__ if name != "__version__"])
def test_every_exported_name_stands_in_the_reference(name: str) -> None:
    assert any(re.search(rf"\b{name}\b", text_of(page)) for page in (DOCS / "reference").glob("*.md"))


@pytest.mark.parametrize("path", [path for path, _ in every_command()])
def test_every_command_stands_in_the_reference(path: str) -> None:
    assert f"\n## {path}\n" in text_of(DOCS / "reference" / "commands.md")


def test_every_option_of_a_command_says_what_it_does() -> None:
    silent = [
        f"{path} {parameter.opts[-1]}"
        for path, command in every_command()
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.hidden and not parameter.help
    ]
    assert silent == []


@pytest.mark.parametrize("name", [kind.__name__ for kind in every_error()])
def test_every_error_stands_in_the_tree_and_has_an_anchor(name: str) -> None:
    page = text_of(DOCS / "reference" / "errors.md")
    assert f"\n### {name}\n" in page
    assert re.search(rf"^[│├└─ ]*{name}\b", page, re.MULTILINE)


def test_every_code_of_the_api_stands_in_the_reference() -> None:
    """The table is read from the code; this reads the code in a second way, as text."""
    page = text_of(DOCS / "reference" / "api.md")
    rooms = (ROOT / "src" / "horarium" / "dashboard" / "api").glob("*.py")
    codes = {code for room in rooms for code in CODE.findall(text_of(room))}
    assert len(codes) > 25
    assert [code for code in sorted(codes) if f"| `{code}` |" not in page] == []


def test_every_page_that_a_message_or_docstring_names_is_there() -> None:
    found = [
        (source.relative_to(ROOT).as_posix(), place, anchor)
        for source in sorted((ROOT / "src").rglob("*.py"))
        for place, anchor in NAMED_PAGE.findall(text_of(source))
    ]
    assert len(found) > 5
    assert [each for each in found if not leads_somewhere(each[1], each[2])] == []


def leads_somewhere(place: str, anchor: str) -> bool:
    path = ROOT / place
    if not path.exists():
        return bool(list(path.parent.glob(f"{path.name}*")))  # decisions are named by their numbers
    return not anchor or anchor in anchors(path)


@pytest.mark.parametrize("kind", get_args(event.Event), ids=lambda kind: kind.__name__)
def test_every_event_stands_in_the_reference(kind: type) -> None:
    assert f"`{kind.__name__}`" in text_of(DOCS / "reference" / "events.md")


@pytest.mark.parametrize("state", list(State))
def test_every_state_stands_in_the_reference(state: State) -> None:
    assert f"| `{state}` |" in text_of(DOCS / "reference" / "states.md")


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(Task.OPTIONS | {"base"} | OPTIONS | public(Request) | public(AsyncResult)))
def test_every_option_and_attribute_of_tasks_stands_in_the_reference(name: str) -> None:
    assert f"`{name}" in text_of(DOCS / "reference" / "tasks.md")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_of_a_schedule_stands_in_the_reference(key: str) -> None:
    assert f"| `{key}` |" in text_of(DOCS / "reference" / "schedules.md")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings have where Markdown is shown on the web."""
    headings = HEADING.findall(FENCED.sub("", text_of(page)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
