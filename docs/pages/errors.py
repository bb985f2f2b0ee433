"""The page of all errors: the tree, and what each class means."""

from __future__ import annotations

from horarium import cautions, errors
from horarium.cli.exits import code_of

PLACES = (errors.__name__, cautions.__name__)

ERRORS_INTRODUCTION = """\
# Errors

<!-- Made by docs/generate.py from src/horarium/errors.py. -->

Every error that Horarium raises is in `horarium.errors`, in one tree; catch by branch. A message says what was
expected, what came, and what to do; the facts are attributes too. A class in brackets is a second parent from Python
itself.

```
"""


def errors_page() -> str:
    """Return the page of all errors: the tree, and what each class means."""
    tree = "\n".join((place.__doc__ or "").split("\n\n")[1].replace("``", "") for place in (errors, cautions))
    return f"{ERRORS_INTRODUCTION}{tree}\n```\n\n## What each means\n{''.join(map(_section, every_error()))}"


def every_error() -> list[type[BaseException]]:
    """Return the classes of ``horarium.errors`` in the order of the file."""
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, BaseException)]
    return [kind for kind in dict.fromkeys(classes) if kind.__module__ in PLACES]


def _section(kind: type[BaseException]) -> str:
    """Return what is said of one error, below a heading that can be linked to."""
    code = _exit_of(kind)
    ends = f" A command that ends with it has exit code {code}." if code else ""
    return f"\n### {kind.__name__}\n\n{_one_line(kind.__doc__)}{ends}\n"


def _exit_of(kind: type[BaseException]) -> str:
    if not issubclass(kind, errors.HorariumError):
        return ""
    return str(code_of(kind.__new__(kind)).value)


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("``", "`")
