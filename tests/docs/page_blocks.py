"""The blocks of code in the pages, and who runs which.

``test_pages_run.py`` runs a page as a reader would type it: files and consoles. ``test_blocks_run.py`` runs or checks
all others, those of the examples too: what is typed in an example's folder is compared with what lies there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BESIDES = [
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    ROOT / "bench" / "README.md",
    ROOT / "examples" / "README.md",
    *sorted((ROOT / "examples").glob("*/README.md")),
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# file: (\S+)\n")
FILES = ("python", "toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block of a page."""

    page: str
    line: int
    kind: str
    text: str

    @property
    def file(self) -> str | None:
        """The file that this block is, if it says so."""
        named = FILE.match(self.text) if self.kind in FILES else None
        return named[1] if named else None

    @property
    def first(self) -> str:
        """The block's first line, by which lists name it."""
        return self.text.partition("\n")[0].strip()


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(ROOT).as_posix()
    for found in BLOCK.finditer(text):
        yield Block(page=name, line=text.count("\n", 0, found.start()) + 2, kind=found[1], text=found[2])


def is_typed(page: Path) -> bool:
    """Tell whether a page has a console, and so is run as a reader would type it."""
    return any(block.kind == "console" for block in blocks_of(page))


def left_over() -> Iterator[Block]:
    """Yield all blocks that are neither consoles nor the files of pages that have one."""
    for page in [*PAGES, *BESIDES]:
        typed = is_typed(page)
        yield from (each for each in blocks_of(page) if each.kind != "console" and not (typed and each.file))
