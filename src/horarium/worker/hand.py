"""The hand of a child: the deliveries that it knows it holds.

If the answer to a claim is lost, the store has given the child something that the child knows nothing of. Its lease
is renewed all the same, so nobody else would ever get it. After such a claim, and one more that was answered, the child
asks what it holds, and takes up whatever it had overlooked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from horarium.clock import Instant
from horarium.engines.protocol import Inspector
from horarium.engines.records import Held, Page, RunFilter
from horarium.message import Delivery
from horarium.outcome import Reported, Settlement

PAGE = 500


class Hand:
    """``take`` and ``overlooked`` are the feed's thread's, ``put_down`` is the settling thread's."""

    def __init__(self, inspector: Inspector, owner: str) -> None:
        self._inspector = inspector
        self._owner = owner
        self._known: set[tuple[str, int]] = set()  # id and fence; each operation on it is atomic

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Note what a claim has answered."""
        self._known.update([(delivery.message.id, delivery.fence) for delivery in deliveries])

    def put_down(self, settlements: Iterable[Settlement]) -> None:
        """Note what the store has taken out of this hand."""
        self._known.difference_update([(s.id, s.fence) for s in settlements if type(s.outcome) is not Reported])

    def known(self) -> frozenset[tuple[str, int]]:
        """Return id and fence of all that it knows it holds at this moment."""
        return frozenset(self._known.copy())

    def overlooked(self, now: Instant) -> list[Delivery]:
        """Ask the store what this owner holds; return, as claimed now, what it did not know of.

        Raises: EngineUnavailable.
        """
        known = self.known()  # before asking: what is settled meanwhile must not look unknown afterwards
        found = [
            Delivery(
                message=held.message,
                owner=self._owner,
                fence=held.fence,
                attempt=held.attempt,
                crashes=held.crashes,
                claimed=now,
            )
            for held in self._all_in_hand()
            if held.owner == self._owner and (held.message.id, held.fence) not in known
        ]
        self.take(found)
        return found

    def _all_in_hand(self) -> Sequence[Held]:
        found: list[Held] = []
        page = Page(limit=PAGE)
        while True:
            answer = self._inspector.find(RunFilter(), page)
            found += [held for held in answer.held if held.owner is not None]
            # Those in hand come first, so a page with one that waits is the last that matters.
            if answer.next is None or answer.held[-1].owner is None:
                return found
            page = Page(limit=PAGE, after=answer.next)
