"""``horarium health`` and ``python -m horarium.health``: are the workers and schedulers of this host at work?

Reads the pulses that they write (see pulse.py): no app, no store, no click. A worker is well when its supervisor wrote
lately and each of its children has looked at its queues lately, or is busy in every slot. Exit code 0, or 69.
"""

from __future__ import annotations

import os
import sys
import time

from horarium.pulse import Pulse, pulses

USAGE_TEXT = """\
Usage: horarium health [OPTIONS] [worker|beat]

  Tell whether the workers and schedulers of this host and user are at work.
  Exit code 0: all that were found are. 69: one is not, or there is none.

Options:
  -n, --name NAME        Only those of this name.
  --max-age SECONDS      How long ago the last look may be.  [default: 30]
  --run-dir FOLDER       Where their pulses lie.  [default: HORARIUM_RUN_DIR]
  -q, --quiet            Say nothing.
  -h, --help             Show this message and exit.
"""
KINDS = ("worker", "beat")
OK, USAGE, UNAVAILABLE = 0, 64, 69
MAX_AGE = 30.0  # seconds: a child looks twice a second, and a store may be away for a moment


class Wrong(Exception):
    """The command line cannot be understood."""


class Asked:
    """What the command line asked for."""

    def __init__(self) -> None:
        self.kind: str | None = None
        self.name: str | None = None
        self.max_age = MAX_AGE
        self.run_dir: str | None = os.environ.get("HORARIUM_RUN_DIR")
        self.quiet = False
        self.help = False


def main(arguments: list[str] | None = None) -> int:
    """Probe; print what was found; return the exit code."""
    try:
        asked = parsed(sys.argv[1:] if arguments is None else arguments)
    except Wrong as error:
        print(f"error: {error}\n  see `horarium health --help`", file=sys.stderr)
        return USAGE
    if asked.help:
        print(USAGE_TEXT, end="")
        return OK
    return probe(asked)


def probe(asked: Asked) -> int:
    """Look at what was asked for; print what was found; return the exit code."""
    meant = [
        pulse
        for pulse in pulses(asked.run_dir)
        if asked.kind in (None, pulse.kind) and asked.name in (None, pulse.name, pulse.name.partition("@")[0])
    ]
    living = {(pulse.kind, pulse.name) for pulse in meant if pulse.is_of_living_process()}
    code, now = OK, time.monotonic()
    for pulse in meant:
        if not pulse.is_of_living_process():
            if (pulse.kind, pulse.name) in living:
                continue  # it was killed, and another one has taken its place
            ill = f"its process {pulse.pid} has ended without a goodbye"
        else:
            ill = illness(pulse, now, asked.max_age) or ""
        if ill:
            code = UNAVAILABLE
        if not asked.quiet:
            print(f"{pulse.name}: {ill or 'OK'}", file=sys.stderr if ill else sys.stdout)
    if not meant:
        code = UNAVAILABLE
        if not asked.quiet:
            print(f"error: no {_sought(asked)} runs here", file=sys.stderr)
    return code


def illness(pulse: Pulse, now: float, max_age: float) -> str | None:
    """Return what is wrong with a living runner, None if it is well."""
    if now - pulse.at > max_age:
        return f"has not moved for {now - pulse.at:.0f} s"
    if pulse.state == "stopping":
        return None
    if pulse.state == "starting":
        return "is starting"
    late = [place for place in pulse.places if now - place.at > max_age]
    if not late:
        return None
    named = ", ".join(f"{place.name} for {now - place.at:.0f} s" for place in late)
    of = f" ({len(late)} of {len(pulse.places)})" if len(pulse.places) > 1 else ""
    return f"has not looked for work: {named}{of}"


def parsed(arguments: list[str]) -> Asked:
    """Return what the arguments ask for. Raises: Wrong."""
    asked = Asked()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        option, equals, value = word.partition("=")
        if option in ("-n", "--name", "--hostname", "--max-age", "--run-dir"):
            if not equals:
                if not rest:
                    raise Wrong(f"expected a value behind {option}, got none")
                value = rest.pop(0)
            _take(asked, option, value)
        elif word in ("-q", "--quiet"):
            asked.quiet = True
        elif word in ("-h", "--help"):
            asked.help = True
        elif word in KINDS and asked.kind is None:
            asked.kind = word
        else:
            raise Wrong(f"expected worker, beat or an option, got {word!r}")
    return asked


def _take(asked: Asked, option: str, value: str) -> None:
    if option == "--run-dir":
        asked.run_dir = value
    elif option == "--max-age":
        try:
            asked.max_age = float(value)
        except ValueError:
            asked.max_age = -1.0
        if not asked.max_age > 0:
            raise Wrong(f"expected --max-age to be a positive number of seconds, got {value!r}")
    else:
        asked.name = value


def _sought(asked: Asked) -> str:
    kind = asked.kind or "worker or scheduler"
    return f"{kind} named {asked.name}" if asked.name else kind


if __name__ == "__main__":
    sys.exit(main())
