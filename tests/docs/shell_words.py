"""Lines of shell blocks that are not run: whether what they call, and what they name, is there.

In an example's folder that is everything which its files can tell: its app, tasks and schedules, its modules, and the
options of its commands, which are asked for their help.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from functools import cache
from pathlib import Path

from command_words import trouble_of
from page_blocks import ROOT

# Programs of others: there is nothing of ours in their lines to be wrong.
OTHERS = {
    "python3": "makes a virtual environment",
    ".": "enters it",
    "mkdir": "makes a folder",
    "cd": "goes into it",
    "export": "sets a variable of the shell",
    "useradd": "changes the machine",
    "systemctl": "changes the machine; deploy/systemd is verified by test_service_files.py",
    "journalctl": "reads the machine's log",
    "docker": "needs containers; the command of ours in its line is checked",
    "echo": "what it says goes into docker",
    "kill": "ends a process that no test has started",
    "curl": "asks a host that is not there; tests/dashboard and tests/journeys ask the same of the same routes",
    "celery": "Celery's own line, which drop-in mode takes: tests/dropin",
    "pg_dump": "PostgreSQL's own",
    "redis-cli": "Redis's own",
}
PATIENCE = 60  # seconds until a command has shown its help
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
OPTION = re.compile(r"--?[A-Za-z][\w-]*")


def calls_in(text: str) -> list[list[str]]:
    """Return the calls of a shell block, as words, without comments and variables before them."""
    lines = text.replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.split(r"\s(?:&&|\|)\s", line)]
    calls = [shlex.split(part, comments=True) for part in parts]
    return [call for words in calls if (call := [word for n, word in enumerate(words) if n or "=" not in word])]


def trouble_with(call: list[str], example: Path | None = None) -> str | None:
    """Say what is wrong with a call, if anything is; one in an example's folder may name what lies there."""
    program, *words = call
    match program:
        case "horarium":
            why = trouble_of(words) or (unknown_to(example, words) if example is not None else None)
        case "docker" if "horarium" in words:
            why = trouble_of(words[words.index("horarium") + 1 :])
        case "make":
            why = trouble_with_make(words)
        case "pip":
            wanted = [found for word in words if (found := re.fullmatch(r"horarium\[(.*)\]", word))]
            missing = [extra for found in wanted for extra in found[1].split(",") if extra not in EXTRAS]
            why = f"there is no extra {missing}" if missing else None
        case "python" if example is not None:
            why = trouble_with_python(words, example)
        case "python" if words[0] == "manage.py":
            why = None  # of the reader's own project
        case ".venv-bench/runner/bin/python":
            why = options_unknown(words[2:], words[:2], ROOT)
        case "gunicorn" | "uvicorn" if example is not None:
            why = None if module_in(example, words[0].partition(":")[0]) else f"there is no module {words[0]}"
        case _:
            why = None if program in OTHERS else "a program that OTHERS does not list"
    return f"{call}: {why}" if why else None


def trouble_with_make(words: list[str]) -> str | None:
    """Say what is wrong with a call of make: its verb, the example, or the options that are handed on."""
    given = dict(word.split("=", 1) for word in words if "=" in word)
    verb = next((word for word in words if "=" not in word), "help")
    if f"\n{verb}: " not in MAKEFILE:
        return "make has no such verb"
    if (example := given.get("EXAMPLE")) and not (ROOT / "examples" / example / "show.py").exists():
        return f"there is no example {example}"
    handed_on = shlex.split(given.get("ARGS", ""))
    if verb == "run":
        return options_unknown(handed_on, ["-m", "live"], ROOT / "examples")
    return options_unknown(handed_on, ["-m", "bench"], ROOT) if verb == "bench" else None


def trouble_with_python(words: list[str], example: Path) -> str | None:
    """Say what is wrong with a call of Python in an example's folder."""
    if words[0] == "-m":
        return None if module_in(example, words[1]) else f"there is no module {words[1]}"
    if not (example / words[0]).exists():
        return f"there is no file {words[0]}"
    return options_unknown(words[2:], words[:2], example)


def unknown_to(example: Path, words: list[str]) -> str | None:
    """Say what a call of `horarium` names that the example has not: its app, a task, a schedule."""
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted(example.rglob("*.py")))
    match words:
        case ["-A", app, *_] if not module_in(example, app):
            return f"there is no app {app}"
        case [_, _, "call", task, *_] if f"def {task.rpartition('.')[2]}(" not in sources:
            return f"there is no task {task}"
        case [_, _, "schedules", "run", schedule] if f'"{schedule}"' not in sources:
            return f"there is no schedule {schedule}"
        case _:
            return None


def module_in(folder: Path, name: str) -> bool:
    """Whether a folder has a module or a package of this dotted name."""
    place = folder.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or (place / "__init__.py").exists() or (place / "__main__.py").exists()


def options_unknown(words: list[str], command: list[str], folder: Path) -> str | None:
    """Say which of the options a command's help does not know; nothing is asked when there are none."""
    options = [found[0] for word in words if (found := OPTION.match(word))]
    if not options and command[:1] == ["-m"]:
        return None
    known = OPTION.findall(help_of(*command, folder=folder))
    missing = [option for option in options if option not in known]
    return f"no such command, or it has no option {missing}" if missing or not known else None


@cache
def help_of(*command: str, folder: Path) -> str:
    """Return what a program of a folder says to `--help`; nothing when it refuses."""
    with tempfile.TemporaryDirectory() as run:
        own = {f"{folder.name.upper()}_RUN": run, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, *command, "--help"],
            cwd=folder,
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    return done.stdout if done.returncode == 0 else ""
