"""The ground on which a worker or scheduler stands: its log file, pidfile, user, umask, and whether it has a terminal.

What Celery's ``worker`` and ``beat`` take for that. It is laid before the app is imported, so that the app's own code
finds it laid, and nothing that was opened crosses a fork.
"""

from __future__ import annotations

import grp
import os
import pwd
import sys
from collections.abc import Callable
from typing import Any

import click

from horarium.cli import pidfile as pidfiles
from horarium.cli.exits import Exit, Stop
from horarium.cli.logfile import append_to
from horarium.cli.options import F, option
from horarium.cli.session import Session

DETACH_FLAGS = ("-D", "--detach")
DONE = ("--executable", "--workdir")  # by the time that another interpreter takes over


def ground_options(function: F) -> F:
    """Add the options; they arrive as one dictionary, ``ground``."""
    names = ("logfile", "pidfile", "detach", "uid", "gid", "umask", "executable", "run_dir")

    def gather(*args: Any, **kwargs: Any) -> Any:
        return function(*args, ground={name: kwargs.pop(name) for name in names}, **kwargs)

    gather.__doc__ = function.__doc__
    gather.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]  # click's own
    for decorate in reversed(_OPTIONS):
        gather = decorate(gather)
    return gather  # type: ignore[return-value]  # click calls it as it would call the function


def umask(value: object) -> int:
    """Read a umask, written in octal."""
    try:
        mask = int(str(value), 8)
    except ValueError:
        mask = -1
    if not 0 <= mask <= 0o777:
        raise click.BadParameter(f"expected a umask in octal, such as 022, got {value!r}")
    return mask


_OPTIONS: list[Callable[[Any], Any]] = [
    option("-f", "--logfile", metavar="FILE", help="Append the log to it (%n name, %h host, %d domain, %p all)."),
    option("--pidfile", metavar="FILE", help="Write the pid there; exit with 73 while its process lives."),
    option("-D", "--detach", is_flag=True, help="Go on in the background, without a terminal."),
    option("--uid", metavar="USER", help="Become this user (name or number); for root."),
    option("--gid", metavar="GROUP", help="Become a member of this group; for root."),
    option("--umask", type=umask, metavar="OCTAL", help="The rights that its files shall not have."),
    option("--executable", metavar="PYTHON", help="With --detach: run with this interpreter."),
    option("--run-dir", envvar="HORARIUM_RUN_DIR", metavar="FOLDER", help="Where `horarium health` finds its pulse."),
]


def stand(session: Session, name: str, ground: dict[str, Any]) -> None:
    """Lay the ground for a runner of this (whole) name; in the background this process ends here, with 0.

    Raises: Stop; with the exit code 73 when a living process holds the pidfile.
    """
    session.enter_folder()
    logfile = ground["logfile"] and expand(ground["logfile"], name)
    pidfile = ground["pidfile"] and expand(ground["pidfile"], name)
    if pidfile:
        pidfiles.check(pidfile)
    if ground["umask"] is not None:
        os.umask(ground["umask"])
    if ground["detach"]:
        _detach(session, ground["executable"])
    elif ground["executable"]:
        session.out.say("note: --executable has no effect without --detach")
    if logfile:
        append_to(logfile)
    elif ground["detach"]:
        append_to(os.devnull)
    if pidfile:
        pidfiles.hold(pidfile)
    _become(ground["uid"], ground["gid"], [path for path in (logfile, pidfile) if path])


def expand(text: str, name: str) -> str:
    """Return a path with %n, %h, %d, %p, %i and %I filled in, as Celery does; all processes share one file, so that the
    number of a process is always 0."""
    node, _, host = name.partition("@")
    known = {"n": node, "h": host, "d": host.partition(".")[2], "p": name, "i": "0", "I": "", "%": "%"}
    parts = text.split("%")
    done, rest = [parts[0]], parts[1:]
    while rest:
        part = rest.pop(0)
        if not part and rest:  # %%
            done.append("%" + rest.pop(0))
        else:
            done.append(known.get(part[:1], "%" + part[:1]) + part[1:])
    return "".join(done)


def _detach(session: Session, executable: str | None) -> None:
    """Go on in a process that has no parent to wait for it and no terminal."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.fork():
        os._exit(Exit.OK)
    os.setsid()
    if pid := os.fork():
        session.out.say(f"it goes on in the background as process {pid}")
        sys.stderr.flush()
        os._exit(Exit.OK)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if executable:
        _replace(executable)


def _replace(executable: str) -> None:
    """Go on with another interpreter, told everything but what is done already: to detach, and to go to a folder."""
    given = iter(sys.argv[1:])
    kept = []
    for word in given:
        if word in DONE:
            next(given, None)
        elif word not in DETACH_FLAGS and not word.startswith(tuple(f"{name}=" for name in DONE)):
            kept.append(word)
    environment = {k: v for k, v in os.environ.items() if not k.endswith(("_DETACH", "_EXECUTABLE", "_WORKDIR"))}
    if "--logfile" not in " ".join(kept) and "-f" not in kept:
        kept += ["--logfile", os.devnull]
    try:
        os.execvpe(executable, [executable, "-m", "horarium", *kept], environment)
    except OSError as error:
        raise Stop(f"expected --executable to be a Python interpreter, got {executable}: {error.strerror}", Exit.FAILED)  # noqa: B904


def _become(user: str | None, group: str | None, files: list[str]) -> None:
    """Give up root's rights; the files that were opened as root go to the user."""
    if user is None and group is None:
        return
    account = _account(user) if user is not None else None
    gid = _group(group) if group is not None else (account.pw_gid if account else os.getgid())
    uid = account.pw_uid if account else os.getuid()
    if (uid, gid) == (os.getuid(), os.getgid()):
        return
    if os.getuid() != 0:
        raise Stop(
            f"expected root to become user {uid} and group {gid}, this is user {os.getuid()}; "
            "leave --uid and --gid out, or start it as that user",
            Exit.FAILED,
        )
    for path in files:
        os.chown(path, uid, gid)
    if account is not None:
        os.initgroups(account.pw_name, gid)
    else:
        os.setgroups([gid])
    os.setgid(gid)
    os.setuid(uid)


def _account(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
    except KeyError:
        raise Stop(f"expected --uid to be a user of this host, got {user!r}", Exit.USAGE) from None


def _group(group: str) -> int:
    try:
        return int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise Stop(f"expected --gid to be a group of this host, got {group!r}", Exit.USAGE) from None
