"""Remote control: a thread of the supervisor that learns of commands, carries them out and replies.

It has nothing to do with renewal and with the children's work, so neither waits for a command. A worker answers each
command once; it carries out none whose time is up, and none that tells somebody to change who was not there when it
was given. The thread also tells the journal that the worker lives, as long as events are wanted.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

import msgspec
from msgspec import Raw

from horarium.clock import Instant, Seconds
from horarium.command import COMMAND_TOPIC, COMMANDS, REPLY_KEPT, REPLY_TOPIC, Command, Reply, is_for
from horarium.engines.records import Note
from horarium.errors import EngineUnavailable
from horarium.event import Observer, Recovered, Troubled
from horarium.panel import Function, Panel, known
from horarium.worker.answers import ANSWERS
from horarium.worker.measures import MEASURES
from horarium.worker.patience import Patience
from horarium.worker.station import HEARTBEAT_EVERY, Station

LOOK_EVERY: Seconds = 1.0  # a hint may be lost
LONGEST_TROUBLE: Seconds = 2.0
FUNCTIONS: dict[str, Function] = {**ANSWERS, **MEASURES}

_command = msgspec.json.Decoder(Command)


class Remote:
    """One thread. ``failed`` is called on it when the store cannot be worked with at all."""

    def __init__(
        self, station: Station, observer: Observer, patience: Patience, *, failed: Callable[[Exception], None]
    ) -> None:
        self._station = station
        self._observer = observer
        self._patience = patience
        self._failed = failed
        self._listener = station.engine.notifier.listen([COMMAND_TOPIC])
        self._known: dict[str, Instant] = {}  # commands that were met, until they have expired
        self._unsent: list[Note] = []  # replies
        self._beats_at: Seconds = 0.0
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="horarium-remote", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: Seconds) -> None:
        """Say good-bye and end; stopping before starting is fine."""
        self._stopping.set()
        self._listener.wake()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def look(self) -> None:
        """Carry out the commands that there are, and reply. Raises: EngineUnavailable."""
        station = self._station
        self._post_replies()
        now = station.clock.now()
        self._known = {id: until for id, until in self._known.items() if until > now}
        for note in station.engine.notes.read(COMMANDS, now=now):
            command = _command.decode(note.text)
            if command.id in self._known or command.expires <= now:
                continue
            self._known[command.id] = command.expires
            if self._is_for_us(command):
                self._carry_out(command)

    def _run(self) -> None:
        try:
            if self._station.present.has_events:
                self._station.tell_of_itself("worker-online")
            while not self._stopping.is_set():
                self._listener.wait(self._go_round())
            self._say_good_bye()
        except Exception as error:  # noqa: BLE001  # a worker that cannot be reached must not look healthy: it ends
            self._failed(error)

    def _go_round(self) -> Seconds:
        """Do what there is to do; return how long there is nothing more."""
        station = self._station
        try:
            if station.options.remote_control:
                self.look()
            due = station.run_due()
        except EngineUnavailable as error:
            is_first = not self._patience.failures
            wait = self._patience.next_wait()
            if is_first:
                self._observer.tell(Troubled(where="remote control", reason=str(error), wait=wait))
            return wait
        if self._patience.reset():
            self._observer.tell(Recovered(where="remote control"))
        waits = [LOOK_EVERY, self._beat()]
        return min(waits if due is None else [*waits, due])

    def _beat(self) -> Seconds:
        """Tell that the worker lives, if events are wanted and it is time; return when it will be."""
        if not self._station.present.has_events:
            return LOOK_EVERY
        now = self._station.clock.monotonic()
        if now >= self._beats_at:
            self._beats_at = now + HEARTBEAT_EVERY
            self._station.tell_of_itself("worker-heartbeat")
        return max(0.0, self._beats_at - now)

    def _say_good_bye(self) -> None:
        if self._station.present.has_events:
            self._station.tell_of_itself("worker-offline")

    def _is_for_us(self, command: Command) -> bool:
        station = self._station
        try:
            is_meant = is_for(command, name=station.hostname, host=station.host, pid=os.getpid())
        except ValueError:
            return False  # a pattern that nobody can read is like nobody's name
        name = known(command.name)
        changes = name is not None and Panel.meta[name].type == "control"
        return is_meant and not (changes and command.issued < station.started)

    def _carry_out(self, command: Command) -> None:
        station = self._station
        answer = self._answer(command)
        if command.wants_reply:
            self._unsent.append(self._as_note(command, answer))
            self._post_replies()
        station.run_afterwards()

    def _answer(self, command: Command) -> Any:
        """Return what a command comes to; whatever is wrong with it is an answer too."""
        try:
            function = _function(command.name)
            bound = inspect.signature(function).bind(self._station, **command.arguments)
            return function(*bound.args, **bound.kwargs)
        except EngineUnavailable:
            raise
        except Exception as error:  # noqa: BLE001  # user code, or arguments that nobody can use: the sender is told
            return {"error": repr(error)}

    def _as_note(self, command: Command, answer: Any) -> Note:
        station = self._station
        reply = Reply(node=station.hostname, pid=os.getpid(), owner=station.owner, answer=answer)
        try:
            text = msgspec.json.encode(reply, enc_hook=repr)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            text = msgspec.json.encode(msgspec.structs.replace(reply, answer={"error": repr(error)}))
        expires = command.expires + round(REPLY_KEPT * 1000)
        return Note(key=f"{command.replies}{station.owner}", text=Raw(text), expires=expires)

    def _post_replies(self) -> None:
        if not self._unsent:
            return
        engine = self._station.engine
        engine.notes.post(self._unsent, now=self._station.clock.now())
        self._unsent = []
        engine.notifier.notify([REPLY_TOPIC])


def _function(name: str) -> Function:
    """Return what carries out a command. Raises: KeyError, as Celery says it."""
    own = known(name)
    if own is None:
        raise KeyError(name)
    return FUNCTIONS[own] if own in FUNCTIONS else Panel.data[own]
