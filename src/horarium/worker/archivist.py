"""Archivist: writes down in the app's archive what a batch of settlements is about to make true in the store.

Before the store is told, so that whoever sees an end finds it in the archive; a crash between the two repeats both.
What the store then refuses is written down again as the store has it. A record that the archive does not take is told
of once and holds up nobody.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw

from horarium.app.archive import Archive, ArchiveRefused, ArchiveUnavailable, Record
from horarium.app.lineage import Answer
from horarium.app.perform import NOT_COMMITTED
from horarium.clock import Clock, Instant, Seconds
from horarium.engines.protocol import Engine
from horarium.event import Observer, Recovered, Troubled
from horarium.message import Delivery, Message
from horarium.outcome import (
    ENDS,
    Failed,
    Outcome,
    Reported,
    Retried,
    Run,
    Settlement,
    State,
    Succeeded,
    Verdict,
    error_of,
)

REST_AFTER: Seconds = 60.0  # an idle worker keeps no connection longer
MOST_TOLD = 100  # different troubles of single records in the life of a process

Entry: TypeAlias = tuple[Settlement, Delivery, Any]  # as the settler has them


class Archivist:
    """Used by one thread, but for ``note_children``."""

    def __init__(self, archive: Archive, engine: Engine, clock: Clock, observer: Observer) -> None:
        self._archive = archive
        self._engine = engine
        self._clock = clock
        self._observer = observer
        self._children: dict[str, tuple[Answer, ...]] = {}  # of runs not settled; in single steps, so no lock
        self._told: set[str] = set()
        self._is_refused = False  # all of it
        self._used: Seconds | None = None  # when the archive was last used, None: it is closed

    def note_children(self, id: str, children: tuple[Answer, ...]) -> None:
        """Learn what a run has sent, before it is handed to the settler."""
        self._children[id] = children

    def write_before(self, batch: Sequence[Entry]) -> None:
        """Write down what these settlements say. Raises: ArchiveUnavailable; calling again is safe."""
        now = self._clock.now()
        records = {}
        for settlement, delivery, _ in batch:
            run = _run_of(settlement, delivery.message, now)
            if run is not None:
                records[run.id] = Record(run=run, children=self._children_of(settlement))
        self.write(list(records.values()))

    def write_after(self, batch: Sequence[Entry], verdicts: Sequence[Verdict]) -> None:
        """Write down as the store has it what it did not take as it was written. Raises: EngineUnavailable."""
        for settlement, _, _ in batch:
            if not isinstance(settlement.outcome, Reported):
                self._children.pop(settlement.id, None)
        doubtful = [
            entry[0].id
            for entry, verdict in zip(batch, verdicts, strict=True)
            if verdict is Verdict.LOST or _is_guard(entry[0].outcome)
        ]
        if doubtful:
            self.write_known(list(dict.fromkeys(doubtful)))

    def write_known(self, ids: Sequence[str]) -> None:
        """Write down the ends of these runs as the store has them. Raises: EngineUnavailable.

        What goes on is left alone: whoever has it in hand by now may have written its end since it was read.
        """
        runs = self._engine.results.read(ids)
        self.write([Record(run=run) for run in runs if run is not None and run.has_ended and is_wanted(run)])

    def write(self, records: Sequence[Record]) -> None:
        """Write records. Raises: ArchiveUnavailable; whatever else goes wrong is told once."""
        if not records:
            return
        self._used = self._clock.monotonic()
        try:
            self._archive.write(records)
        except ArchiveUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  # a record is bad, or all are: the store has them in any case
            if len(records) == 1 or (isinstance(error, ArchiveRefused) and error.is_all):
                self.tell(error, records[0].run if len(records) == 1 else None)
                return
            for record in records:
                self.write([record])
        else:
            self.tell_well()

    def tell(self, error: Exception, run: Run | None = None) -> None:
        """Tell of a refusal, the first time."""
        reason = str(error) if isinstance(error, ArchiveRefused) else f"{type(error).__name__}: {error}"
        if isinstance(error, ArchiveRefused) and error.is_all:
            is_new, self._is_refused = not self._is_refused, True
            run = None
        else:
            is_new = reason not in self._told and len(self._told) < MOST_TOLD
            self._told.add(reason)
        if is_new:
            where = "archive" if run is None else f"archive {run.message.task}[{run.id}]"
            self._observer.tell(Troubled(where=where, reason=reason))

    def tell_well(self) -> None:
        """Tell that the archive takes records, if it did not."""
        if self._is_refused:
            self._is_refused = False
            self._observer.tell(Recovered(where="archive"))

    def rest(self) -> None:
        """Let go of the connection if it has not been used for long."""
        if self._used is not None and self._clock.monotonic() - self._used >= REST_AFTER:
            self.close()

    def close(self) -> None:
        """Let go of the connection; it is opened again when it is needed."""
        self._used = None
        try:
            self._archive.close()
        except Exception as error:  # noqa: BLE001  # it is gone in any case
            self.tell(error)

    def _children_of(self, settlement: Settlement) -> tuple[Any, ...]:
        noted = tuple(child.as_tuple() for child in self._children.get(settlement.id, ()))
        if not isinstance(settlement.outcome, Succeeded):
            return noted
        known = {each[0][0] for each in noted}
        links = (each.id for each in settlement.follow_ups if each.parent == settlement.id and each.id not in known)
        return (*noted, *(((id, None), None) for id in links))


def is_wanted(run: Run) -> bool:
    """Whether a run is written down: not the success of a task whose result nobody wants, nor what leads there."""
    return not run.message.ignore_result or run.state in (State.FAILURE, State.DEAD, State.REVOKED, State.EXPIRED)


def _run_of(settlement: Settlement, message: Message, now: Instant) -> Run | None:
    """Return the run as the settlement makes it; None where there is nothing to write, or only the store knows."""
    outcome = settlement.outcome
    ended = settlement.ended or now
    state: str
    match outcome:
        case Reported(state=str(state), meta=meta):
            if state == State.STARTED and meta is None:
                meta = Raw(msgspec.json.encode({"pid": os.getpid(), "hostname": settlement.worker}))
            run = _run(settlement, message, state, changed=now, meta=meta)
        case Retried(error=error):
            run = _run(settlement, message, State.RETRY, changed=ended, error=error)
        case _ if type(outcome) in ENDS and not _is_guard(outcome):
            result = outcome.result if isinstance(outcome, Succeeded) else None
            state = ENDS[type(outcome)]
            run = _run(settlement, message, state, changed=ended, ended=ended, result=result, error=error_of(outcome))
        case _:
            return None  # it waits again, or is DEAD, as the store decides
    return run if is_wanted(run) else None


def _run(settlement: Settlement, message: Message, state: str, **fields: Any) -> Run:
    return Run(message=message, state=state, worker=settlement.worker, started=settlement.started, **fields)


def _is_guard(outcome: Outcome) -> bool:
    """Whether it stands guard over a success that the task has recorded in a transaction of its own."""
    return isinstance(outcome, Failed) and outcome.error == NOT_COMMITTED
