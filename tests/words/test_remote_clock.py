"""A server's time, known within bounds."""

from __future__ import annotations

from horarium.clock import ManualClock, RemoteClock

START = 1_800_000_000_000.0  # the server's time when our monotonic clock reads 0


def clock_after(*readings: tuple[float, float, float]) -> tuple[RemoteClock, ManualClock]:
    """Return a clock after readings: when each was sent, stamped and received, in seconds."""
    ours = ManualClock()
    clock = RemoteClock(ours)
    for sent, stamped, received in readings:
        clock.note(START + stamped * 1000, sent=sent, received=received)
        ours.advance(received - ours.monotonic())
    return clock, ours


def test_it_is_never_ahead_of_the_server() -> None:
    for stamped in (0.0, 0.05, 0.1):
        clock, ours = clock_after((0.0, stamped, 0.1))
        assert START + ours.monotonic() * 1000 - 100 <= clock.now() <= START + ours.monotonic() * 1000


def test_the_quickest_reading_counts() -> None:
    clock, ours = clock_after((0.0, 0.001, 0.5), (0.5, 0.501, 0.502), (0.6, 0.601, 1.1))
    assert abs(clock.now() - (START + ours.monotonic() * 1000)) <= 2


def test_a_stepped_server_is_believed() -> None:
    clock, ours = clock_after((0.0, 0.0, 0.0))
    clock.note(START + 3_600_000, sent=0.0, received=0.001)
    ours.advance(0.001)
    assert clock.now() == START + 3_600_000
    clock.note(START, sent=0.001, received=0.001)
    assert clock.now() == START


def test_clocks_that_drift_apart_are_followed() -> None:
    clock, ours = clock_after((0.0, 0.0, 0.0))
    for second in range(1, 3600):
        drifted = second * (1 + 5e-5)
        clock.note(START + drifted * 1000, sent=second - 0.001, received=second)
    ours.advance(3599)
    assert abs(clock.now() - (START + 3599 * (1 + 5e-5) * 1000)) <= 2


def test_it_tells_how_old_its_reading_is() -> None:
    ours = ManualClock()
    clock = RemoteClock(ours)
    assert clock.age is None
    clock.note(START, sent=0.0, received=0.0)
    ours.advance(7.0)
    assert clock.age == 7.0
