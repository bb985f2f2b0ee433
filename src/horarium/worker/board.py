"""The board: what each child is doing (and, in its ledger, has done), in memory that all processes of a worker share.

Each field has one writer. A child writes its own rows; the supervisor writes the children's lease deadlines and
reads the rows to enforce time limits, to report what runs, and to know what a dead child was doing; the zygote reads
the deadlines and writes its own pulse. All moments are readings of the monotonic clock, which is one for all
processes of a host since boot.

A row is read without a lock: its sequence is odd while a delivery runs and even while none does, and the body is
only written while it is even. Whoever reads the same odd number before and after the body has read it whole.
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from struct import Struct as Layout

from msgspec import Struct

from horarium.clock import Instant, Seconds
from horarium.message import Delivery
from horarium.worker.ledger import Ledger

ID_BYTES = 200  # a longer id is cut, and then not found again: its delivery is treated as an unknown one
TASK_BYTES = 120
FOREVER: Seconds = float("inf")

_BODY = Layout(f"=qqddqhh4x{ID_BYTES}s{TASK_BYTES}s")
_ROW_WORDS = 1 + _BODY.size // 8  # the sequence, then the body
_HEADER_WORDS = 8
_LEASE, _LOOKED, _BEFORE, _STARTED, _PHASE = range(5)  # _BEFORE: what predecessors in this place had finished
_BOARD_WORDS = 1  # the zygote's pulse

AT_MOST_ONCE = 1
PHASE_ENDED = 1


class Running(Struct, frozen=True, kw_only=True):
    """A delivery that a child has started and not finished, as its row tells."""

    slot: int
    sequence: int
    id: str
    task: str
    fence: int
    started: Instant
    since: Seconds  # monotonic
    deadline: Seconds  # monotonic; FOREVER: no hard limit
    at_most_once: bool


class Board:
    """Make it before the first fork; every process forked afterwards sees the same memory."""

    def __init__(self, children: int, slots: int, tasks: Sequence[str] = ()) -> None:
        self.children = children
        self.slots = slots
        self._tasks = {task: place for place, task in enumerate(tasks)}
        self._row_words = _ROW_WORDS + len(self._tasks)  # a count for each task behind the body
        self._child_words = _HEADER_WORDS + slots * self._row_words
        self.ledgers = [Ledger() for _ in range(children)]
        self._memory = mmap.mmap(-1, 8 * (_BOARD_WORDS + children * self._child_words))
        view = memoryview(self._memory)
        # Writing one element of a cast view is a single aligned store of a word, so it is never seen half done.
        self._words = view.cast("q")
        self._reals = view.cast("d")

    def beat(self, pulse: int) -> None:
        """Show that the zygote lives: called by the zygote, with a number that changes."""
        self._words[0] = pulse

    @property
    def pulse(self) -> int:
        return self._words[0]

    def grant(self, child: int, until: Seconds) -> None:
        """Let a child work until this reading of the monotonic clock; 0: it has no lease yet."""
        self._reals[self._header(child) + _LEASE] = until

    def lease(self, child: int) -> Seconds:
        """Return until when a child may work; 0: it has no lease yet, so there is none that could lapse."""
        return self._reals[self._header(child) + _LEASE]

    def clear(self, child: int) -> None:
        """Make a dead child's rows ready for its successor."""
        header = self._header(child)
        self._reals[header + _LEASE] = 0.0
        for word in (_LOOKED, _STARTED, _PHASE):
            self._words[header + word] = 0
        for slot in range(self.slots):
            row = self._row(child, slot)
            self._words[row] += self._words[row] & 1
        self._words[header + _BEFORE] = self._finished(child)
        self.ledgers[child].clear()

    def slot(self, child: int, slot: int) -> SlotRow:
        """Return the writer of one row; a row has one writer at a time."""
        return SlotRow(self._memory, self._words, self._row(child, slot), self._header(child), self._tasks)

    def looked(self, child: int) -> Instant | None:
        return self._words[self._header(child) + _LOOKED] or None

    def note_look(self, child: int, now: Instant) -> None:
        """Show that the child has just looked at its queues."""
        self._words[self._header(child) + _LOOKED] = now

    def processed(self, child: int) -> int:
        """Return how many deliveries the child has finished."""
        return self._finished(child) - self._words[self._header(child) + _BEFORE]

    def has_started_any(self, child: int) -> bool:
        return self._words[self._header(child) + _STARTED] > 0

    def note_end(self, child: int) -> None:
        """The child's very last act: without it, its end counts as a crash."""
        self._words[self._header(child) + _PHASE] = PHASE_ENDED

    def has_ended(self, child: int) -> bool:
        return self._words[self._header(child) + _PHASE] == PHASE_ENDED

    def running(self, child: int) -> list[Running]:
        """Return what the child is running; a row that changes while it is read is running nothing of its old."""
        first = self._row(child, 0)
        words = self._words
        found = []
        for slot in range(self.slots):
            if words[first + slot * self._row_words] & 1 and (entry := self._read(child, slot)) is not None:
                found.append(entry)
        return found

    def totals(self) -> dict[str, int]:
        """Return how often each task was started in this worker, those that never were left out."""
        totals = dict.fromkeys(self._tasks, 0)
        for child in range(self.children):
            for slot in range(self.slots):
                counts = self._row(child, slot) + _ROW_WORDS
                for task, place in self._tasks.items():
                    totals[task] += self._words[counts + place]
        return {task: number for task, number in totals.items() if number}

    def _finished(self, child: int) -> int:
        return sum(self._words[self._row(child, slot)] // 2 for slot in range(self.slots))

    def _read(self, child: int, slot: int) -> Running | None:
        row = self._row(child, slot)
        sequence = self._words[row]
        fence, started, since, deadline, flags, id_size, task_size, id, task = _BODY.unpack_from(
            self._memory, 8 * (row + 1)
        )
        if self._words[row] != sequence or not sequence & 1:
            return None
        return Running(
            slot=slot,
            sequence=sequence,
            id=id[:id_size].decode("utf-8", "replace"),
            task=task[:task_size].decode("utf-8", "replace"),
            fence=fence,
            started=started,
            since=since,
            deadline=deadline,
            at_most_once=bool(flags & AT_MOST_ONCE),
        )

    def _header(self, child: int) -> int:
        return _BOARD_WORDS + child * self._child_words

    def _row(self, child: int, slot: int) -> int:
        return self._header(child) + _HEADER_WORDS + slot * self._row_words


class SlotRow:
    """The one writer of a row."""

    __slots__ = ("_body", "_counts", "_memory", "_row", "_started", "_words")

    def __init__(
        self, memory: mmap.mmap, words: memoryview[int], row: int, header: int, tasks: Mapping[str, int]
    ) -> None:
        self._memory = memory
        self._words = words
        self._row = row
        self._body = 8 * (row + 1)
        self._started = header + _STARTED
        self._counts = {task: row + _ROW_WORDS + place for task, place in tasks.items()}

    def start(self, delivery: Delivery, *, now: Instant, since: Seconds, deadline: Seconds) -> None:
        """Show that the delivery runs from now on."""
        message = delivery.message
        id, task = message.id.encode()[:ID_BYTES], message.task.encode()[:TASK_BYTES]
        flags = AT_MOST_ONCE if message.at_most_once else 0
        _BODY.pack_into(
            self._memory, self._body, delivery.fence, now, since, deadline, flags, len(id), len(task), id, task
        )
        words = self._words
        words[self._row] += 1
        words[self._started] = 1
        count = self._counts.get(message.task)
        if count is not None:
            words[count] += 1

    def finish(self) -> None:
        """Show that it does not run any more. Called once for each start."""
        self._words[self._row] += 1
