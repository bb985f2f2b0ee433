"""For ``unittest``: what the fixtures are for pytest."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from horarium.testing.bench import Bench, captured, eager

if TYPE_CHECKING:
    from horarium.app.app import Horarium


class UsesHorarium:
    """A mixin of ``unittest.TestCase``, Django's included: each test has ``self.horarium``, a Bench of its own.

    ``horarium_app`` names the app (None: the current one); with ``horarium_eager`` calls run before they return;
    with ``horarium_frozen`` time stands still.
    """

    horarium_app: Horarium | None = None
    horarium_eager: bool = False
    horarium_frozen: bool = False
    horarium: Bench

    def setUp(self) -> None:
        """Put the app on a store of the test's own."""
        stack = ExitStack()
        kind = eager if self.horarium_eager else captured
        self.horarium = stack.enter_context(kind(self.horarium_app, frozen=self.horarium_frozen))
        case: Any = self  # the TestCase that it is mixed into
        case.addCleanup(stack.close)
        parent: Any = super()
        parent.setUp()
