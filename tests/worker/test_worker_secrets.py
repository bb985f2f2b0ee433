"""A secret put into all that a task has, and looked for in all that comes out; and ended runs that are too many."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
from yard import HERE, Yard, wait_for

from horarium.app.again import refusal
from horarium.message import Message
from horarium.outcome import Run, State
from horarium.redaction import MASK

CARD, PASSWORD = "canary-card-51", "canary-word-77"
MINTED = "ghp_" + "".join(chr(ord("a") + number % 26) for number in range(36))
SECRETS = (CARD, PASSWORD, MINTED)


def test_a_secret_is_in_nothing_that_a_worker_writes_or_anybody_is_shown(yard: Yard) -> None:
    now = yard.app.engine.now()
    old = [
        Run(message=Message(id=f"old{n}", task="t", created=n), state=State.SUCCESS, changed=now - 10 + n, ended=n)
        for n in range(5)
    ]
    yard.app.engine.results.record(old, keep=3600.0, now=now)
    worker = yard.start(events=True, keep_runs=2)
    wait_for(lambda: yard.app.engine.inspector.counts().states == {State.SUCCESS: 2}, "the surplus is removed")
    place = yard.app.engine.journal.tail(None, 0).next

    bad = yard.send("confess", CARD, kwargs={"password": PASSWORD, "fail": True})
    yard.ends(bad)
    files = [str(path) for path in yard.folder.glob("store.db*") if path.is_file()]
    stored = subprocess.run(["cat", *files], capture_output=True, check=True).stdout  # opened here, locks would go
    assert MASK.encode() in stored and MINTED.encode() not in stored
    good = yard.send("confess", CARD, kwargs={"password": PASSWORD, "fail": False})
    yard.ends(good)
    kept, failed = yard.run(good), yard.run(bad)
    assert bytes(kept.result or b"") == f'"{CARD} {PASSWORD} {MINTED}"'.encode()  # whoever asks for it is given it
    assert msgspec.json.decode(kept.message.args) == [MASK]
    assert (refusal(kept) is None, refusal(failed)) == (False, None)
    said = msgspec.json.encode((kept.logs, failed.logs, failed.error, failed.attempts)).decode()
    events = wait_for(lambda: _all_of(yard, place, 6), "what has happened is told")
    shown = "".join(_shown(yard, "runs", "show", *given) for given in ((good,), (bad, "--json")))
    for where in (said, worker.text, events, shown):
        assert where.count(MASK) >= 6, where
        assert [secret for secret in SECRETS if secret in where] == [], where


def _all_of(yard: Yard, place: str, number: int) -> str | None:
    entries = yard.app.engine.journal.tail(place, 1000).entries
    told = [text for entry in entries if "task-" in (text := bytes(entry).decode())]
    return "\n".join(told) if len(told) >= number else None


def _shown(yard: Yard, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "horarium", "-A", "errands", *words],
        env={**os.environ, "ERRANDS_STORE": yard.store, "ERRANDS_WITNESS": str(yard.witness), "PYTHONPATH": _path()},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def _path() -> str:
    return os.pathsep.join([str(HERE), *sys.path])
