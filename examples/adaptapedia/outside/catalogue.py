"""Books that nobody wrote and what was made of them for the screen: always the same, none of it copied."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

QUALITIES = ("Quiet", "Borrowed", "Hollow", "Northern", "Unsent", "Paper", "Second", "Salt", "Winter", "Lantern")
THINGS = ("Harbour", "Letter", "Orchard", "Clockmaker", "Tide", "Archive", "Garden", "Crossing")
FIRST_NAMES = ("Imre", "Odile", "Tamsin", "Rafiq", "Yuna")
LAST_NAMES = ("Vallender", "Okonjo", "Strand", "Delacroix-Hume", "Paavonen", "Quill", "Marchetti")


class Book(NamedTuple):
    number: int
    title: str
    author: str
    author_number: int


class Screen(NamedTuple):
    number: int
    title: str
    based_on: int  # the number of a book
    is_series: bool
    film_number: int  # its number in the film database
    year: int


def books() -> Iterator[Book]:
    for at, (quality, thing) in enumerate(product(QUALITIES, THINGS)):
        author = at % (len(FIRST_NAMES) * len(LAST_NAMES))
        name = f"{FIRST_NAMES[author % len(FIRST_NAMES)]} {LAST_NAMES[author // len(FIRST_NAMES)]}"
        yield Book(9_000_000 + at, f"The {quality} {thing}", name, 9_100_000 + author)


def screens() -> Iterator[Screen]:
    """One or two for each book: a film, and of every second book a series as well."""
    for at, book in enumerate(books()):
        yield Screen(9_200_000 + at, book.title, book.number, False, 700_000 + at, 1950 + at % 74)
        if at % 2:
            title = book.title.removeprefix("The ")
            yield Screen(9_300_000 + at, title, book.number, True, 800_000 + at, 1990 + at % 35)
