"""The index of decisions: each by its number and title."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "decisions"

INTRODUCTION = """\
# Decisions

<!-- Made by docs/generate.py from the files beside it. -->

What was chosen, what was not, and when to look again; half a page each. A decision is not rewritten: a later one says
that it takes its place.

"""


def decisions_page() -> str:
    """Return the list of all decisions, by number."""
    return INTRODUCTION + "".join(f"- [{_title(path)}]({path.name})\n" for path in sorted(FOLDER.glob("[0-9]*.md")))


def _title(path: Path) -> str:
    heading = path.read_text(encoding="utf-8").partition("\n")[0]
    if not re.fullmatch(r"# \d+\. .+", heading):
        raise ValueError(f"expected {path} to begin with '# NUMBER. TITLE', got {heading!r}")
    return heading.removeprefix("# ")
