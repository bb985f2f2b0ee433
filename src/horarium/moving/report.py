"""What is found in a project that moves, and what would become of it: values, for people and for programs."""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

from msgspec import Struct

Verdict: TypeAlias = Literal["rewritten", "works", "note", "no effect", "by hand"]
Kind: TypeAlias = Literal[
    "import", "setting", "schedule", "option", "part", "content", "text", "command", "package", "file"
]
VERDICTS: tuple[Verdict, ...] = ("by hand", "rewritten", "no effect", "note", "works")


class Found(Struct, frozen=True, omit_defaults=True):
    """One thing in a project: where, what it is, what becomes of it, and what to know or to do."""

    path: str
    line: int
    kind: Kind
    what: str
    verdict: Verdict
    advice: str = ""


class Change(Struct, frozen=True):
    """A file as it is, and as it would be."""

    path: str
    before: bytes
    after: bytes


class Report(Struct, frozen=True):
    """All that was found, in the order of files and lines, and the files that would change."""

    found: list[Found]
    changes: list[Change]
    files: int  # that were looked at

    def counts(self) -> dict[Verdict, int]:
        """Return how many findings have each verdict, the weightiest first."""
        counted = Counter(one.verdict for one in self.found)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    @property
    def blocked(self) -> bool:
        """Is there something that only a person can do?"""
        return any(one.verdict == "by hand" for one in self.found)
