"""A whole project: look at every file that can matter, and put together what was found and what would change."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from horarium.dropin_names import is_theirs
from horarium.moving.code import find_in_code
from horarium.moving.commands import CommandLine, may_call, rewrite_commands
from horarium.moving.django_apps import rewrite_apps
from horarium.moving.folder import Unreadable, files_of, read
from horarium.moving.imports import need_libcst, rewrite
from horarium.moving.packages import names_packages, rewrite_packages
from horarium.moving.report import Change, Found, Report
from horarium.moving.schedules import find_periodic
from horarium.moving.settings import config_modules, find_settings, parts_of_apps
from horarium.moving.source import Source

_MATTERS = re.compile(rb"celery|horarium|kombu|billiard|redbeat|apply_async|BROKER_", re.IGNORECASE)
_CONFIGS = frozenset({"celeryconfig", "celery_config", "celeryconf"})


def look(root: Path, known: CommandLine, *, each: Callable[[Path], None] = lambda path: None) -> Report:
    """Return what is found in a project, and its files as they would be; nothing is written or run.

    ``each`` is called with every file before it is looked at. A file that cannot be read is named in the report.
    Raises: ImproperlyConfigured without libcst.
    """
    need_libcst()
    walk = _Walk(root, known)
    number = 0
    for number, path in enumerate(files_of(root), 1):  # noqa: B007  # counted
        each(path)
        walk.look_at(path)
    walk.look_at_configurations()
    walk.found.sort(key=lambda one: (one.path, one.line))
    return Report(walk.found, walk.changes, number)


class _Walk:
    def __init__(self, root: Path, known: CommandLine) -> None:
        self.root = root
        self.known = known
        self.found: list[Found] = []
        self.changes: list[Change] = []
        self.sources: dict[str, Source | None] = {}  # Python files by their path; None: it does not mention Celery
        self.configurations: set[str] = set(_CONFIGS)

    def look_at(self, path: Path) -> None:
        shown = path.relative_to(self.root).as_posix() if path != self.root else path.name
        try:
            if path.suffix in (".py", ".pyw", ".pyi"):
                self._python(shown, read(path))
            elif names_packages(path.relative_to(self.root.parent)) or may_call(path):
                self._text(shown, read(path))
        except Unreadable as error:
            self.found.append(Found(shown, 1, "file", "skipped", "by hand", str(error)))

    def look_at_configurations(self) -> None:
        """Judge the settings, once it is known which modules are configurations."""
        for path, source in self.sources.items():
            is_config = any(f"/{path}".endswith(f"/{name}.py") for name in self.configurations)
            if source is None and is_config:
                source = Source(path, read(self.root / path if self.root.is_dir() else self.root))
            if source is not None:
                self.found += find_settings(source, is_config=is_config)

    def _python(self, shown: str, content: bytes) -> None:
        if not _MATTERS.search(content):
            self.sources[shown] = None
            return
        source = Source(shown, content)
        self.sources[shown] = source
        self.configurations |= config_modules(source)
        self.found += [*find_in_code(source), *find_periodic(source), *parts_of_apps(source)]
        if shown.rpartition("/")[2] in ("setup.py", "noxfile.py"):
            self._text(shown, content)
            return
        after, found = rewrite_apps(source)
        if source.imports_any(is_theirs):
            after, imports = rewrite(shown, after)
            found += imports
        self.found += found
        self._changed(shown, content, after)

    def _text(self, shown: str, content: bytes) -> None:
        text = content.decode("utf-8", "surrogateescape")
        found: list[Found] = []
        if names_packages(Path(self.root.name, shown)):
            text, found = rewrite_packages(shown, text)
        if may_call(Path(shown)):
            text, calls = rewrite_commands(shown, text, self.known)
            found += calls
        self.found += found
        self._changed(shown, content, text.encode("utf-8", "surrogateescape"))

    def _changed(self, shown: str, before: bytes, after: bytes) -> None:
        if before != after:
            self.changes.append(Change(shown, before, after))
