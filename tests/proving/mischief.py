"""Mischief: kills and freezes the processes of a ground at random, and starts anew what was killed, as an init system
would. Everything is drawn from one seed, so a bad run can be told about; the machine's timing cannot be repeated."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from random import Random

from ground import Ground, Program

RESTART_AFTER = 0.5  # seconds that a place stays empty, on average
FREEZE = (0.3, 3.5)  # seconds; the longest outlast a lease of 2 s


class Place:
    """One program that is to be running, and how to start it."""

    def __init__(self, role: str, start: Callable[[], Program]) -> None:
        self.role = role
        self.start = start
        self.program = start()
        self.restart_at: float | None = None
        self.frozen: tuple[int, ...] = ()
        self.thaw_at = 0.0

    def thaw(self) -> None:
        for pid in self.frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        self.frozen = ()


class Mischief:
    """Does what ``weights`` lists, in proportion, with ``pause`` seconds in between on average; ``deeds`` counts it.
    Deeds of the test's ``own`` are done by calling them. Without weights it only starts anew what ends of itself."""

    def __init__(
        self,
        ground: Ground,
        seed: int,
        weights: dict[str, int],
        *,
        pause: float = 0.35,
        own: Mapping[str, Callable[[], object]] | None = None,
    ) -> None:
        self.deeds: Counter[str] = Counter()
        self.places: list[Place] = []
        self._ground = ground
        self._chance = Random(seed)
        self._weights = weights
        self._pause = pause
        self._own = own or {}

    def keep(self, role: str, start: Callable[[], Program]) -> Place:
        """Keep a program running."""
        place = Place(role, start)
        self.places.append(place)
        return place

    def run(self, seconds: float) -> None:
        """Do mischief for so long, then heal."""
        until = time.monotonic() + seconds
        self._go_on(lambda: time.monotonic() < until)
        self.heal()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Do mischief beside what the ``with`` block does, then heal. In a thread, so that whatever waits for a frozen
        process is not waited for by those who thaw it."""
        stopping = threading.Event()
        with ThreadPoolExecutor(1, "mischief") as pool:
            doing = pool.submit(self._go_on, lambda: not stopping.is_set())
            try:
                yield
            finally:
                stopping.set()
                doing.result()
                self.heal()

    @contextmanager
    def tended(self) -> Iterator[None]:
        """Only start anew what ends, beside what the ``with`` block does: a worker whose zygote was the last victim
        finds that out, and ends, when all is healed."""
        weights, self._weights = self._weights, {}
        try:
            with self.going_on():
                yield
        finally:
            self._weights = weights

    def heal(self) -> None:
        """Thaw everything, and let every place be filled."""
        for place in self.places:
            place.thaw()
            if not place.program.is_running:
                place.program = place.start()
            place.restart_at = None

    def _go_on(self, may: Callable[[], bool]) -> None:
        due = time.monotonic() + self._chance.expovariate(1 / self._pause)
        while may():
            now = time.monotonic()
            self._tend(now)
            if now >= due and self._weights:
                self._do_one()
                due = now + self._chance.expovariate(1 / self._pause)
            time.sleep(0.01)  # the pace of mischief

    def _tend(self, now: float) -> None:
        for place in self.places:
            if place.frozen and now >= place.thaw_at:
                place.thaw()
            if place.program.is_running:
                continue
            if place.restart_at is None:
                place.restart_at = now + self._chance.expovariate(1 / RESTART_AFTER)
            elif now >= place.restart_at:
                place.restart_at = None
                place.program = place.start()

    def _do_one(self) -> None:
        deed = self._chance.choices(list(self._weights), list(self._weights.values()))[0]
        if deed in self._own:
            self._own[deed]()
            self.deeds[deed] += 1
            return
        verb, _, victim = deed.partition(" ")
        role = "worker" if victim in ("child", "zygote", "tree") else victim
        places = [place for place in self.places if place.role == role and place.program.is_running]
        if not places:
            return
        place = self._chance.choice(places)
        pids = self._victims(place.program, victim)
        if not pids:
            return
        if verb == "freeze":
            place.thaw()  # one set at a time: the one before goes on
            place.frozen = tuple(pids)
            place.thaw_at = time.monotonic() + self._chance.uniform(*FREEZE)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL if verb == "kill" else signal.SIGSTOP)
        self.deeds[deed] += 1

    def _victims(self, program: Program, victim: str) -> list[int]:
        match victim:
            case "child":
                children = program.children()
                return [self._chance.choice(children)] if children else []
            case "zygote":
                zygote = program.zygote()
                return [] if zygote is None else [zygote]
            case "tree":
                return program.tree()
            case _:
                return [program.pid]
