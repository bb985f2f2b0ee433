"""Rewrite the imports of a Python file from Celery's names to ours; everything else stays as it is, byte for byte.

libcst (the extra ``migrate``) keeps comments, white space, encodings and line ends. What has no home here is left
alone and reported.
"""

from __future__ import annotations

from horarium.errors import ImproperlyConfigured
from horarium.moving.folder import Unreadable
from horarium.moving.report import Found


def need_libcst() -> None:
    """Raises: ImproperlyConfigured when libcst is not installed; the text names the extra."""
    try:
        import libcst  # noqa: F401  # only whether it is there
    except ImportError as error:
        raise ImproperlyConfigured(
            f"expected libcst, which rewrites imports, to be installed, got: {error}; install it with: pip install "
            "'horarium[migrate]'"
        ) from error


def rewrite(path: str, content: bytes) -> tuple[bytes, list[Found]]:
    """Return the file with our imports, and what was done or is left to do. Doing it twice changes nothing more.

    Raises: Unreadable when the file could not be written back as it was. libcst must be there (``need_libcst``).
    """
    import libcst

    from horarium.moving.rewriting import Rewriting, plan

    try:
        module = libcst.parse_module(content)
        same = module.bytes
    except (libcst.ParserSyntaxError, SyntaxError, UnicodeError, LookupError, RecursionError) as error:
        raise Unreadable(f"libcst cannot read it ({str(error).splitlines()[-1]}); {_BY_HAND}") from error
    if same != content:
        raise Unreadable(f"it could not be written back as it is, most likely for its line ends; {_BY_HAND}")
    planned = plan(module, content, path)
    if not planned.changes_something:
        return content, planned.found
    return module.visit(Rewriting(planned)).bytes, planned.found


_BY_HAND = "make its line ends one, or change its imports by hand"
