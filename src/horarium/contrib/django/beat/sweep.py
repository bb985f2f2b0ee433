"""Round after round through all rows, and all schedules that came from rows: what nothing else tells is found here.

A few hundred at a time, so that memory does not grow with the tables. The first round, and any that is asked for, goes
without a pause; the others are a backstop, slow where triggers tell what is edited, and never resting where none do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from horarium.clock import Instant, Seconds
from horarium.contrib.django.beat.rows import PAGE, Rows
from horarium.contrib.django.beat.storing import Stored, is_ours, remove, store
from horarium.engines.records import Page

if TYPE_CHECKING:
    from horarium.app.app import Horarium
    from horarium.engines.protocol import Engine

# A page takes some 0.1 s, so this costs two percent of a core; 100,000 rows come round in half an hour.
REST: Seconds = 5.0
PAGES_WITHOUT_TRIGGERS = 4  # of one turn: 1,000 rows


class Sweep:
    """The rounds of one scheduler. Made, it begins one at once."""

    def __init__(self, app: Horarium, rows: Rows) -> None:
        self._app = app
        self._rows = rows
        self._is_urgent = True  # the round under way goes without a pause
        self._after: int | None = 0  # the row that the last page ended with; None: it is the store's turn
        self._after_name: str | None = None
        self._rested_since: Seconds = float("-inf")  # a reading of the monotonic clock
        self.rounds = 0  # that have come to their end

    @property
    def is_urgent(self) -> bool:
        """Whether a round goes on without a pause."""
        return self._is_urgent

    def begin(self) -> None:
        """Begin a round anew, without a pause."""
        self._is_urgent, self._after, self._after_name = True, 0, None

    def is_due(self, monotonic: Seconds, *, has_triggers: bool) -> bool:
        """Tell whether it is time for a page."""
        return self._is_urgent or not has_triggers or monotonic - self._rested_since >= REST

    def turn(self, engine: Engine, *, now: Instant, monotonic: Seconds) -> Stored:
        """Do a page. Raises: EngineUnavailable, ScheduleConflict, Django's database errors; it may be repeated."""
        self._rested_since = monotonic
        if self._after is not None:
            ids = self._rows.page(self._after)
            stored = store(self._app, engine, self._rows, ids, now=now) if ids else Stored()
            self._after = ids[-1] if len(ids) == PAGE else None
            return stored
        return self._look_at_store(engine, now=now)

    def _look_at_store(self, engine: Engine, *, now: Instant) -> Stored:
        page = engine.schedules.browse(Page(limit=PAGE, after=self._after_name))
        ours = [each.name for each in page.schedules if is_ours(self._app, each)]
        lost = set(ours) - self._rows.named(ours).keys() if ours else set()
        removed = remove(self._app, engine, self._rows, sorted(lost), now=now)
        self._after_name = page.next
        if page.next is None:
            self._rows.forget_lost()
            self._after, self._is_urgent = 0, False
            self.rounds += 1
        return removed
