"""The lines of requirements and of pyproject.toml that name Celery or what belongs to it."""

from __future__ import annotations

import re
from pathlib import PurePath

from horarium.moving.report import Found, Verdict

_EXTRAS = {"redis": "redis", "sqlalchemy": "postgres"}
_PACKAGES: dict[str, tuple[Verdict, str]] = {
    "kombu": ("note", "not needed any more: remove it"),
    "billiard": ("note", "not needed any more: remove it"),
    "vine": ("note", "not needed any more: remove it"),
    "amqp": ("note", "not needed any more: remove it"),
    "celery-types": ("note", "not needed any more, Horarium is typed: remove it"),
    "flower": ("note", "not needed any more: `horarium flower` takes its place; remove it"),
    "gevent": ("note", "not needed for workers any more: -P thread or async; remove it unless you use it yourself"),
    "eventlet": ("note", "not needed for workers any more: -P thread or async; remove it unless you use it yourself"),
    "celery-redbeat": ("note", "not needed any more, the store keeps the schedules: remove it"),
    "celery-singleton": ("note", "not needed any more: unique_for and unique_key of a task; remove it"),
    "celery-once": ("note", "not needed any more: unique_for and unique_key of a task; remove it"),
    "celery-exporter": ("note", "it listens to Celery's events: it sees nothing of Horarium; remove it"),
    "pytest-celery": ("note", "not needed any more: horarium.testing has the fixtures; remove it"),
    "django-celery-beat": ("by hand", "its tables are Horarium's too: write horarium[django] in its place"),
    "django-celery-results": ("by hand", "its tables are Horarium's too: write horarium[django] in its place"),
    "celery-progress": ("by hand", "it reads Celery's backend: use self.progress(...) and AsyncResult.info"),
    "opentelemetry-instrumentation-celery": ("note", "it instruments Celery only: it sees nothing of Horarium"),
}
_NAMES = "|".join(sorted(("celery", *_PACKAGES), key=len, reverse=True))
_VERSION = r"[^;,#\"'\]\s][^;#\"'\]]*?"
_LINE = re.compile(
    rf"(?P<before>^\s*|[\"'])(?P<name>{_NAMES})(?P<extras>\s*\[[\w\s,.-]*\])?"
    rf"(?P<version>\s*(?:[=<>~!]=?=?|@)\s*{_VERSION})?(?P<after>\s*(?:[;#].*)?$|\s*(?:;[^\"']*)?[\"'])",
    re.IGNORECASE,
)
_TABLE = re.compile(rf"^\s*(?P<name>{_NAMES})\s*=\s*(?P<value>[\"'{{].*)$", re.IGNORECASE)  # Poetry, Pipfile
_NO_PACKAGES = re.compile(r"^\s*(?:keywords|name|description|packages|classifiers|scripts)\s*=")
_LOCKS = frozenset("poetry.lock uv.lock pdm.lock pipfile.lock requirements.lock pixi.lock".split())


def names_packages(path: PurePath) -> bool:
    """Is this a file that says which packages a project needs?"""
    name = path.name.lower()
    return name in ("pyproject.toml", "setup.cfg", "setup.py", "pipfile", *_LOCKS) or (
        name.endswith((".txt", ".in")) and ("require" in name or "constraint" in name or "require" in str(path.parent))
    )


def rewrite_packages(path: str, text: str) -> tuple[str, list[Found]]:
    """Return the text with Horarium in Celery's place, and what is said about the other packages of the family."""
    name = PurePath(path).name.lower()
    if name in _LOCKS:
        mentions = re.search(r"celery", text, re.IGNORECASE)
        advice = "it is made by a tool: let the tool make it anew"
        return text, [Found(path, 1, "package", name, "note", advice)] if mentions else []
    found: list[Found] = []
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        lines[number] = _rewritten(path, number + 1, line, found, whole=name.endswith((".txt", ".in")))
    return "".join(lines), found


def _rewritten(path: str, number: int, line: str, found: list[Found], *, whole: bool) -> str:
    body = line.rstrip("\r\n")
    if not whole and _NO_PACKAGES.match(body):
        return line
    if not whole and (table := _TABLE.match(body)):
        found.append(_in_table(path, number, table["name"].lower(), table["value"]))
        return line
    done, start = "", 0
    for match in _LINE.finditer(body):
        if match["before"] not in ("'", '"') and not whole:
            continue  # a word of prose, or a key of another table
        named = match["name"].lower()
        what = (match["name"] + (match["extras"] or "") + (match["version"] or "")).strip(" \\")
        if named != "celery":
            verdict, advice = _PACKAGES[named]
            found.append(Found(path, number, "package", what, verdict, advice))
            continue
        new = f"horarium{_extras(match['extras'])}"
        if body.endswith("\\"):
            found.append(Found(path, number, "package", what, "by hand", f"it is pinned by its hash: write {new}"))
            continue
        found.append(Found(path, number, "package", what, "rewritten", new))
        done += body[start : match.start()] + match["before"] + new + match["after"]
        start = match.end()
    return done + body[start:] + line[len(body) :]


def _in_table(path: str, number: int, named: str, value: str) -> Found:
    if named == "celery":
        new = f'horarium = {{ version = "*", extras = {_listed(value)} }}' if _listed(value) else 'horarium = "*"'
        return Found(path, number, "package", f"celery = {value}", "by hand", f"write {new}")
    verdict, advice = _PACKAGES[named]
    return Found(path, number, "package", named, verdict, advice)


def _listed(value: str) -> str:
    extras = [ours for theirs, ours in _EXTRAS.items() if re.search(rf"\b{theirs}\b", value)]
    return "[" + ", ".join(f'"{one}"' for one in extras) + "]" if extras else ""


def _extras(theirs: str | None) -> str:
    names = (one.strip().lower() for one in (theirs or "").strip().strip("[]").split(","))
    ours = list(dict.fromkeys(_EXTRAS[one] for one in names if one in _EXTRAS))
    return f"[{','.join(ours)}]" if ours else ""
