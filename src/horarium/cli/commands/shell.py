"""``horarium shell``: Python with the app at hand; without a terminal it reads what to do from stdin."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from typing import Any

import click

from horarium.cli.exits import Exit, Stop
from horarium.cli.leftovers import Leftover, leftovers
from horarium.cli.options import Command, option
from horarium.cli.session import Session

SHELL = (
    Leftover(("--eventlet",), "nothing is patched here", takes_value=False),
    Leftover(("--gevent",), "nothing is patched here", takes_value=False),
)
WORDS = (
    "AsyncResult Signature signature group chain chord chunks xmap xstarmap subtask shared_task crontab every".split()
)
OWN = "<stdin>"


@click.command("shell", cls=Command)
@option("-I", "--ipython", "kind", flag_value="ipython", help="With IPython.")
@option("-B", "--bpython", "kind", flag_value="bpython", help="With bpython.")
@option("--python", "kind", flag_value="python", help="With plain Python.")
@option("-T", "--without-tasks", is_flag=True, help="Without the tasks by name.")
@leftovers(SHELL)
@click.pass_obj
def command(session: Session, kind: str | None, without_tasks: bool) -> int:
    """Start Python with `app`, the tasks by their functions' names, and what `horarium` exports.

    IPython or bpython is used if it is installed. What comes through a pipe is run: `echo 'add.delay(1, 2)' | horarium
    shell`.
    """
    names = namespace(session, with_tasks=not without_tasks)
    if not sys.stdin.isatty():
        return run_text(sys.stdin.read(), names)
    chosen = kind or next((each for each in ("ipython", "bpython") if _is_installed(each)), "python")
    if not _is_installed(chosen):
        raise Stop(f"{chosen} is not installed", Exit.FAILED, hints=[f"pip install {chosen}, or use --python"])
    _START[chosen](names)
    return Exit.OK


def namespace(session: Session, *, with_tasks: bool) -> dict[str, Any]:  # Any: whatever the names stand for
    """Return what is at hand: the tasks do not hide the words of the house."""
    horarium = importlib.import_module("horarium")  # what callers import
    app = session.app
    names: dict[str, Any] = {}
    if with_tasks:
        for name, task in app.tasks.own.items():
            names.setdefault(name.rpartition(".")[2], task)
    exported = {word: getattr(horarium, word) for word in WORDS if word in horarium.__all__}
    return {**names, **exported, "app": app, "celery": app, "horarium": horarium}


def run_text(text: str, names: dict[str, Any]) -> int:
    """Run statements as if they had been typed: the value of an expression is shown. Stop at the first that raises."""
    try:
        for statement in ast.parse(text, OWN).body:
            exec(compile(ast.Interactive([statement]), OWN, "single"), names)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else Exit.OK if error.code is None else Exit.FAILED
    except Exception as error:  # noqa: BLE001  # what the user's code raises is the user's to see
        trace = traceback.format_exception(error.with_traceback(_own_part(error)))
        click.echo("".join(trace).rstrip(), err=True)
        return Exit.FAILED
    return Exit.OK


def _own_part(error: BaseException) -> Any:
    """Return the traceback from the user's own statement on."""
    part = error.__traceback__
    while part is not None and part.tb_frame.f_code.co_filename != OWN:
        part = part.tb_next
    return part


def _is_installed(kind: str) -> bool:
    module = {"ipython": "IPython", "bpython": "bpython"}.get(kind)
    return module is None or importlib.util.find_spec(module) is not None


def _ipython(names: dict[str, Any]) -> None:
    start = importlib.import_module("IPython").start_ipython
    start(argv=[], user_ns=names)


def _bpython(names: dict[str, Any]) -> None:
    importlib.import_module("bpython").embed(names)


def _python(names: dict[str, Any]) -> None:
    import code

    try:
        readline = importlib.import_module("readline")
        completer = importlib.import_module("rlcompleter").Completer(names)
    except ImportError:  # this Python was built without it
        pass
    else:
        readline.set_completer(completer.complete)
        readline.parse_and_bind("tab: complete")
    code.interact(local=names, exitmsg="")


_START = {"ipython": _ipython, "bpython": _bpython, "python": _python}
