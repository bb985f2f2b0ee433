"""A guide, walked from its first line to its last: steps in the guide's order, each with what it shows.

``docs/seeds-coverage.md`` is made from the calls of ``step`` by reading the files, so what they are given is written
out: a title in words, the line of the guide (``000:65``: line 65 of the first), and the rows of the checklist.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from place import Place

Deed = Callable[[Place], None]


class Step(NamedTuple):
    title: str
    where: str
    rows: tuple[int, ...]
    do: Deed


class Journey:
    """The steps of one system's guide. Each begins where the one before it has ended."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.steps: list[Step] = []

    def step(self, title: str, *, where: str, rows: tuple[int, ...] = ()) -> Callable[[Deed], Deed]:
        """Make a function the next step. It is given the place and fails by an assertion."""

        def enter(do: Deed) -> Deed:
            self.steps.append(Step(title, where, rows, do))
            return do

        return enter

    def walk(self, place: Place) -> None:
        """Do all steps; a failure says which one it was, and what the processes wrote last."""
        for number, step in enumerate(self.steps, 1):
            try:
                step.do(place)
            except BaseException as error:
                error.add_note(f"at step {number} of {self.system}, {step.title!r} ({step.where})\n{place.told()}")
                raise
