"""All questions, for one import."""

from horarium.testing.conformance.inspector import TestInspector
from horarium.testing.conformance.notes import TestJournal, TestNotes
from horarium.testing.conformance.notifier import TestNotifier
from horarium.testing.conformance.queue_claim import TestClaim
from horarium.testing.conformance.queue_crashed import TestCrashed
from horarium.testing.conformance.queue_doom import TestDoom
from horarium.testing.conformance.queue_gates import (
    TestBlocked,
    TestCanvas,
    TestGates,
    TestReplaced,
    TestSeal,
)
from horarium.testing.conformance.queue_kept import TestKept
from horarium.testing.conformance.queue_leases import TestLeases, TestMaintenance
from horarium.testing.conformance.queue_limits import TestLimits, TestSlots, TestUnique
from horarium.testing.conformance.queue_put import TestPut
from horarium.testing.conformance.queue_settle import TestSettle
from horarium.testing.conformance.queue_stale import TestStaleTokens
from horarium.testing.conformance.ranked import TestRank
from horarium.testing.conformance.results import TestResults
from horarium.testing.conformance.schedules import TestFiring, TestSchedules
from horarium.testing.conformance.schedules_hold import TestHold
from horarium.testing.conformance.schedules_instants import TestInstants
from horarium.testing.conformance.schedules_overlap import TestOverlap
from horarium.testing.conformance.schedules_race import TestRace
from horarium.testing.conformance.schedules_watch import TestWatch
from horarium.testing.conformance.series import TestSeries
from horarium.testing.conformance.sharing import TestSharing

__all__ = [
    "TestBlocked",
    "TestCanvas",
    "TestClaim",
    "TestCrashed",
    "TestDoom",
    "TestFiring",
    "TestGates",
    "TestHold",
    "TestInspector",
    "TestInstants",
    "TestJournal",
    "TestKept",
    "TestLeases",
    "TestLimits",
    "TestMaintenance",
    "TestNotes",
    "TestNotifier",
    "TestOverlap",
    "TestPut",
    "TestRace",
    "TestRank",
    "TestReplaced",
    "TestResults",
    "TestSchedules",
    "TestSeal",
    "TestSeries",
    "TestSettle",
    "TestSharing",
    "TestSlots",
    "TestStaleTokens",
    "TestUnique",
    "TestWatch",
]
