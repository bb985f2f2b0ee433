"""``horarium flower``: the dashboard as those who come from Flower start it: its port, its flags, its environment.

It needs no app: with ``--broker`` (or CELERY_BROKER_URL) the store alone is looked at.
"""

from __future__ import annotations

import os
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from horarium.cli.commands.web import command as web
from horarium.cli.exits import Exit, Stop
from horarium.cli.leftovers import Leftover, leftovers
from horarium.cli.locate import AppNotFound
from horarium.cli.options import Command, F, Passwords, log_level, option
from horarium.cli.session import Session
from horarium.errors import ImproperlyConfigured

BROKER = ("CELERY_BROKER_URL", "BROKER_URL")
RESULTS = "CELERY_RESULT_BACKEND"
DEFAULT_FILE = "flowerconfig.py"
EVERYWHERE = "0.0.0.0"

_IN_STORE = "runs are kept in the store, and are there after every start"
_OF_STORE = "what is kept is the store's; see result_expires"
_ALWAYS = "pages tell what has changed by themselves"
LEFTOVERS = (
    Leftover(("--persistent/--no-persistent",), _IN_STORE, takes_value=False),
    Leftover(("--db",), _IN_STORE),
    Leftover(("--state-save-interval", "--state_save_interval"), _IN_STORE),
    Leftover(("--max-workers", "--max_workers"), _OF_STORE),
    Leftover(("--max-tasks", "--max_tasks"), _OF_STORE),
    Leftover(("--purge-offline-workers", "--purge_offline_workers"), "a worker that is gone is shown for an hour"),
    Leftover(("--broker-api", "--broker_api"), "queues are read from the store"),
    Leftover(("--inspect-timeout", "--inspect_timeout"), "workers are asked as long as they need, a second at most"),
    Leftover(("--enable-events/--no-enable-events",), "nothing depends on events", takes_value=False),
    Leftover(("--auto-refresh/--no-auto-refresh",), _ALWAYS, takes_value=False),
    Leftover(("--natural-time/--no-natural-time",), "times stand with their zone", takes_value=False),
    Leftover(("--tasks-columns", "--tasks_columns"), "the columns are those that fit the screen"),
    Leftover(("--cookie-secret", "--cookie_secret"), "sessions are kept in the store"),
    Leftover(("--task-runtime-metric-buckets", "--task_runtime_metric_buckets"), "buckets are those of the store"),
    Leftover(("--xheaders/--no-xheaders",), "name the proxies that are believed: web --proxy-peer", takes_value=False),
    Leftover(("--debug/--no-debug",), "use --loglevel debug", takes_value=False),
)
# What would let others in than is meant, or speak otherwise than is meant, is refused and not passed over.
REFUSED = {
    "auth": "log in by tokens, by --basic-auth, or let a proxy do it: horarium web --auth proxy",
    "auth_provider": "let a proxy that knows people log them in: horarium web --auth proxy",
    "oauth2_key": "let a proxy that knows people log them in: horarium web --auth proxy",
    "oauth2_secret": "let a proxy that knows people log them in: horarium web --auth proxy",
    "oauth2_redirect_uri": "let a proxy that knows people log them in: horarium web --auth proxy",
    "certfile": "let a proxy speak TLS, and say with --url-prefix where it serves this",
    "keyfile": "let a proxy speak TLS, and say with --url-prefix where it serves this",
    "ca_certs": "let a proxy speak TLS, and say with --url-prefix where it serves this",
    "unix_socket": "listen on a port of this machine: --address 127.0.0.1",
}
# A function of the file, mostly there to hide or to shorten what pages show: what it hides would be shown.
FORMAT = "format_task"
FORMAT_ADVICE = (
    "what is long is cut short here, and what is called like a secret is hidden; hide more by @app.task(redact=...), "
    "then take it out of the file"
)


def _read_file(ctx: click.Context, parameter: click.Parameter, value: str | None) -> None:
    """Take Flower's settings from a file of Python, as Flower does; what was typed or is in the environment goes first.

    Raises: Stop when a file that was named is not there or cannot be run, or hides what would be shown.
    """
    path = Path(value or DEFAULT_FILE)
    if not path.is_file():
        if value:
            raise Stop(f"expected the settings of Flower in {path}, got no such file", Exit.USAGE)
        return
    try:
        found = runpy.run_path(str(path))
    except Exception as error:  # whatever the user's own code raises
        raise Stop(f"expected {path} to be Python, got {type(error).__name__}: {error}", Exit.USAGE) from error
    if FORMAT in found:
        raise Stop(f"{FORMAT} in {path} is Flower's and is not here", Exit.REFUSED, hints=(FORMAT_ADVICE,))
    known = {option.name for option in ctx.command.params}
    taken = {name: given for name, given in found.items() if name in known}
    if isinstance(pairs := taken.get("basic_auth"), str):
        taken["basic_auth"] = [pairs]
    ctx.default_map = taken


def _own(*names: str, **attributes: Any) -> Callable[[F], F]:  # Any: click's own
    """Declare an option of Flower's, which listens to FLOWER_<NAME> too."""
    long = next(name for name in names if name.startswith("--"))
    variable = "FLOWER_" + long.removeprefix("--").partition("/")[0].replace("-", "_").upper()
    return option(*names, envvar=variable, **attributes)


def _refusable(function: F) -> F:
    for name, advice in REFUSED.items():
        flag = "--" + name.replace("_", "-")
        flags = dict.fromkeys((flag, f"--{name}"))
        function = _own(*flags, name, metavar="...", hidden=True, help=f"Not here: {advice}.")(function)
    return function


@click.command("flower", cls=Command)
@option("--conf", is_eager=True, expose_value=False, callback=_read_file, envvar="FLOWER_CONF", metavar="FILE",
        help=f"Flower's settings. [default: {DEFAULT_FILE} if it is there]")  # fmt: skip
@option("-l", "--loglevel", type=log_level, default="INFO", show_default=True, metavar="LEVEL", help="In any case.")
@_own("--port", type=click.IntRange(0, 65535), default=5555, show_default=True, help="Listen on this port.")
@_own("--address", default="", metavar="ADDRESS", help="Listen on this address. [default: all]")
@_own("--url-prefix", "--url_prefix", default="", metavar="PATH", help="Where a proxy serves it, such as flower.")
@_own("--basic-auth", "--basic_auth", "basic_auth", type=Passwords(), multiple=True, metavar="NAME:PASSWORD,...",
      help="People with passwords; without any, tokens and the link that it prints.")  # fmt: skip
@_own("--read-only/--no-read-only", "--read_only/--no-read_only", "read_only", help="Let nobody change anything.")
@_own("--allow-unregistered", "--allow_unregistered", is_flag=True,
      help="Send tasks that nobody knows, as Flower does.")  # fmt: skip
@_refusable
@leftovers(LEFTOVERS)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    loglevel: str,
    port: int,
    address: str,
    url_prefix: str,
    basic_auth: tuple[str, ...],
    read_only: bool,
    allow_unregistered: bool,
    **refusable: str | None,
) -> int:
    """Serve the dashboard as Flower is started: its port and flags, its API below /api, its /metrics.

    Without -A it looks at the store of --broker, or of CELERY_BROKER_URL. The environment may say FLOWER_PORT and so
    on.
    """
    session = ctx.ensure_object(Session)
    for name, given in refusable.items():
        if given:
            flag = "--" + name.replace("_", "-")
            raise Stop(f"{flag} is Flower's and is not here", Exit.REFUSED, hints=(REFUSED[name],))
    find_app(session)
    prefix = url_prefix.strip("/")
    code: int = ctx.invoke(
        web,
        loglevel=loglevel,
        host=address or EVERYWHERE,
        port=port,
        prefix=f"/{prefix}" if prefix else "",
        auth=("basic",) if basic_auth else ("token",),
        basic_auth=basic_auth,
        read_only=read_only,
        allow_unregistered=allow_unregistered,
    )
    return code


def find_app(session: Session) -> None:
    """Let the session have an app: the one that -A names or that is found, else one that knows nothing but the store.

    Raises: AppNotFound when neither an app nor a store is known.
    """
    session.store = session.store or next((found for name in BROKER if (found := os.environ.get(name))), None)
    session.results = session.results or os.environ.get(RESULTS)
    try:
        session.app.finalize()
    except AppNotFound as error:
        if session.spec is not None:
            raise
        if session.store is None:
            raise ImproperlyConfigured(
                f"{error}; or name the store that is to be looked at: --broker URL, or CELERY_BROKER_URL"
            ) from error
        session.app = _bare_app(session.store, session.results)


def _bare_app(store: str, results: str | None) -> Any:  # Any: a Horarium; the class is imported when it is needed
    from horarium.app.app import Horarium

    return Horarium("flower", store=store, backend=None if results == store else results)
