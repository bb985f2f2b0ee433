"""Command lines in files that are no Python: Procfiles, Dockerfiles, compose files, units, scripts, Makefiles.

A line is only changed where ``celery`` is the program that is called: as a word before its options, or as the first
item of a list. Which commands and options there are is told by the caller: this room knows no command line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from msgspec import Struct

from horarium.moving.report import Found, Verdict


class CommandLine(Struct, frozen=True):
    """What the command line understands: by command its options, each with why it does nothing ("": it does)."""

    options: Mapping[str, Mapping[str, str]]
    shared: frozenset[str]  # options that are understood everywhere


_FILES = frozenset(
    "procfile makefile gnumakefile justfile taskfile.yml package.json tox.ini noxfile.py supervisord.conf circus.ini "
    "app.json fly.toml".split()
)
_ENDS = (".yml", ".yaml", ".service", ".sh", ".bash", ".mk", ".conf", ".ini", ".env", ".envrc", ".toml", ".tpl", ".j2")
_BEGINS = ("dockerfile", "containerfile", "procfile", ".env", "entrypoint", "start", "makefile")

_COMMANDS = (
    "worker beat call control inspect status events flower graph list logtool migrate multi purge report result shell "
    "upgrade amqp"
).split()
_BEFORE = "-A --app -b --broker --result-backend --loader --config --workdir -C --no-color -q --quiet --skip-checks"
_FIRST = "|".join(re.escape(one) for one in sorted((*_COMMANDS, *_BEFORE.split(), "--version"), key=len, reverse=True))
# `celery -A x ...`, `/venv/bin/celery worker`, `python -m celery ...`; not `myproject.celery`, not `celery.service`
_IN_TEXT = re.compile(rf"(?<![\w./-])(?P<path>[\w./${{}}~-]*/)?celery(?=\s+(?:{_FIRST})(?:[=\s;&|)\"']|$))")
_IN_LIST = re.compile(rf"(?P<quote>[\"'])(?P<path>[^\"']*/)?celery(?P=quote)(?=\s*,\s*[\"'](?:{_FIRST}))")
_ITEM = re.compile(r"^(?P<before>\s*-\s+[\"']?)celery(?P<after>[\"']?\s*)$")
_NEXT_ITEM = re.compile(rf"^\s*-\s+[\"']?(?:{_FIRST})")
_OLD = re.compile(r"(?<![\w./-])(?:[\w./-]*/)?(celeryd|celerybeat|celeryev|celery\s+multi)\b(?![-.\w])")
_PROSE = re.compile(r"^\s*(?:-\s+)?(?:name|description|title|container_name|@?echo)\b\s*[:=\s]", re.IGNORECASE)
_VARIABLE = re.compile(r"\b(CELERY_(?:BROKER_URL|RESULT_BACKEND|BROKER_READ_URL|BROKER_WRITE_URL|CONFIG_MODULE|LOADER)|"
                       r"C_FORCE_ROOT|FLOWER_\w+|REMAP_SIGTERM)\b")  # fmt: skip
_VARIABLES: dict[str, tuple[Verdict, str]] = {
    "CELERY_BROKER_URL": ("note", "the store's address: HORARIUM_STORE says it for every command"),
    "CELERY_RESULT_BACKEND": ("note", "where results are kept: HORARIUM_RESULT_BACKEND says it for every command"),
    "CELERY_BROKER_READ_URL": ("by hand", "there is one store: set HORARIUM_STORE and remove it"),
    "CELERY_BROKER_WRITE_URL": ("by hand", "there is one store: set HORARIUM_STORE and remove it"),
    "CELERY_CONFIG_MODULE": ("by hand", "give the settings to the app: app.config_from_object(...)"),
    "CELERY_LOADER": ("by hand", "there are no loaders: give the app its settings and `include`"),
    "C_FORCE_ROOT": ("no effect", "nothing is pickled, so root needs no permission"),
    "REMAP_SIGTERM": ("no effect", "TERM already drains and gives back what is left within worker_grace"),
}
_FLOWER = "`horarium flower` takes its flags, its FLOWER_ variables and its API: see come from Flower"
_MULTI = "one `horarium worker` for each: let systemd, supervisor or the container keep them (docs: stop and deploy)"

_ELSEWHERE = {
    "amqp": "there is no broker to talk to: `horarium purge`, `call` and `runs` do what it did",
    "graph": "`horarium status` shows who is alive",
    "multi": _MULTI,
}


def may_call(path: PurePath) -> bool:
    """Is this a file in which processes are started?"""
    name = path.name.lower()
    return name in _FILES or name.startswith(_BEGINS) or name.endswith(_ENDS) or _is_script(path)


def rewrite_commands(path: str, text: str, known: CommandLine) -> tuple[str, list[Found]]:
    """Return the text with ``horarium`` where ``celery`` was called, and what is said about each call."""
    lines = text.splitlines(keepends=True)
    found: list[Found] = []
    for number, line in enumerate(lines):
        body = line.rstrip("\r\n")
        if _is_comment(body) or _PROSE.match(body):
            continue
        whole = _with_continuations(lines, number)
        new, calls = _rewritten(path, number + 1, body, whole, known)
        if (item := _ITEM.match(body)) and number + 1 < len(lines) and _NEXT_ITEM.match(lines[number + 1]):
            new, calls = f"{item['before']}horarium{item['after']}", [_items(path, number, lines, known)]
        found += calls
        found += _variables(path, number + 1, body)
        lines[number] = new + line[len(body) :]
    return "".join(lines), found


def _rewritten(path: str, number: int, body: str, whole: str, known: CommandLine) -> tuple[str, list[Found]]:
    found: list[Found] = []

    def take(match: re.Match[str]) -> str:
        listed = "quote" in match.re.groupindex
        rest = whole[match.end() :]
        one = _judged(path, number, re.sub(r"[\"',\[\]]+", " ", rest) if listed else rest, known)
        found.append(one)
        if one.verdict == "by hand":
            return match[0]
        quote = match["quote"] if listed else ""
        return f"{quote}{match['path'] or ''}horarium{quote}"

    if old := _OLD.search(body):
        return body, [Found(path, number, "command", _short(old[0]), "by hand", _MULTI)]
    new = _IN_LIST.sub(take, body)
    return _IN_TEXT.sub(take, new), found


def _items(path: str, number: int, lines: list[str], known: CommandLine) -> Found:
    """Judge a call whose words stand below one another as the items of a YAML list."""
    indent = len(lines[number]) - len(lines[number].lstrip())
    words = []
    for line in lines[number + 1 :]:
        if len(line) - len(line.lstrip()) != indent or not line.lstrip().startswith("- "):
            break
        words.append(line.strip()[2:].strip("\"' "))
    return _judged(path, number + 1, " ".join(words), known)


def _judged(path: str, number: int, rest: str, known: CommandLine) -> Found:
    """Say what becomes of a call, by its command and options."""
    words = _words(rest)
    command = next((word for word in words if word in _COMMANDS), "")
    what = _short(f"celery {' '.join(words)}")
    if command in _ELSEWHERE:
        return Found(path, number, "command", what, "by hand", _ELSEWHERE[command])
    if command and command not in known.options:
        return Found(path, number, "command", what, "by hand", f"there is no `horarium {command}`")
    notes = []
    for option in _options(words):
        if option in known.shared:
            continue
        reason = known.options.get(command, {}).get(option)
        if option in ("-D", "--detach") and reason:  # whoever calls it counts on its return
            return Found(path, number, "command", what, "by hand", f"{option}: {reason}")
        if reason is None:
            return Found(path, number, "command", what, "by hand", f"`horarium {command}` has no option {option}")
        if reason:
            notes.append(f"{option} has no effect: {reason}")
    advice = "; ".join([_short(f"horarium {' '.join(words)}"), *notes])
    return Found(path, number, "command", what, "rewritten", advice)


def _options(words: list[str]) -> Iterator[str]:
    for word in words:
        if word.startswith("--"):
            yield word.partition("=")[0]
        elif re.fullmatch(r"-[A-Za-z].*", word):
            yield word[:2]


def _words(rest: str) -> list[str]:
    """Return the words of a call, up to where the shell would begin another one."""
    call = re.split(r"(?:&&|\|\||[;|&#]|>|\s2>)", rest.replace("\\\n", " ").replace("\\\r\n", " "))[0]
    return [word.strip("\"'") for word in call.split() if word != "\\"]


def _with_continuations(lines: list[str], number: int) -> str:
    """Return a line with those that continue it behind a backslash."""
    whole = lines[number].rstrip("\r\n")
    while whole.endswith("\\") and number + 1 < len(lines):
        number += 1
        whole = f"{whole[:-1]} {lines[number].rstrip()}"
    return whole


def _variables(path: str, number: int, body: str) -> Iterator[Found]:
    for name in dict.fromkeys(_VARIABLE.findall(body)):
        verdict, advice = _VARIABLES.get(name, ("note", _FLOWER))
        yield Found(path, number, "setting", f"{name} in the environment", verdict, advice)


def _is_comment(body: str) -> bool:
    return body.lstrip().startswith(("#", "//", ";"))


def _is_script(path: PurePath) -> bool:
    return not path.suffix and path.parent.name in ("bin", "scripts", "docker", "deploy", "ops")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 120 else f"{text[:119]}…"
