"""Switches: what they say, and how long."""

from __future__ import annotations

import pytest
from msgspec import Raw

from horarium.app.app import Horarium
from horarium.app.switches import Switches
from horarium.engines.records import Note
from horarium.errors import InvalidArguments


@pytest.fixture
def switches(app: Horarium) -> Switches:
    return Switches(app.connection)


def test_a_pause_says_who_made_it_when_and_why(app: Horarium, switches: Switches) -> None:
    switches.pause_task("shop.mail", reason="the provider is down", by="ana")
    found = switches.read().of_task("shop.mail")
    assert found is not None
    assert (found.by, found.reason, found.at) == ("ana", "the provider is down", app.now())


def test_a_pattern_pauses_every_task_that_it_fits_and_a_name_goes_before_it(switches: Switches) -> None:
    switches.pause_task("shop.*", by="ana")
    switches.pause_task("shop.mail", by="bo")
    read = switches.read()
    assert [found.by if (found := read.of_task(name)) else None for name in ("shop.mail", "shop.pdf", "bank.pay")] == [
        "bo",
        "ana",
        None,
    ]


def test_resuming_ends_exactly_the_pause_that_is_named(switches: Switches) -> None:
    switches.pause_task("shop.*")
    assert not switches.resume_task("shop.mail")
    assert switches.read().of_task("shop.mail") is not None
    assert switches.resume_task("shop.*")
    assert switches.read().switches == ()


def test_a_queue_and_a_task_of_one_name_are_two_things(switches: Switches) -> None:
    switches.pause_queue("mail", reason="audit")
    read = switches.read()
    assert read.of_queue("mail") is not None
    assert read.of_task("mail") is None
    assert switches.resume_queue("mail")
    assert not switches.resume_queue("mail")


def test_a_rate_is_overridden_until_it_is_taken_back(switches: Switches) -> None:
    switches.set_rate("shop.mail", "10/m")
    assert (found := switches.read().rate_of("shop.mail")) is not None
    assert found.rate == "10/m"
    switches.set_rate("shop.mail", 0)
    assert (found := switches.read().rate_of("shop.mail")) is not None
    assert found.rate == 0
    switches.set_rate("shop.mail", None)
    assert switches.read().rate_of("shop.mail") is None


@pytest.mark.parametrize("rate", ["10/d", "fast", -1, True, "10 / m / s"])
def test_what_is_no_rate_is_refused_with_what_one_looks_like(switches: Switches, rate: object) -> None:
    with pytest.raises(InvalidArguments, match="'10/s', '100/m', '1000/h'"):
        switches.set_rate("shop.mail", rate)  # type: ignore[arg-type]


def test_a_switch_without_a_name_is_refused(switches: Switches) -> None:
    with pytest.raises(InvalidArguments, match="name"):
        switches.pause_queue("")


def test_a_switch_that_this_version_cannot_read_hides_no_other(app: Horarium, switches: Switches) -> None:
    app.engine.notes.post([Note(key="switch:moon:x", text=Raw(b'{"kind":"moon"}'))], now=app.now())
    switches.pause_queue("mail")
    assert [switch.name for switch in switches.read().switches] == ["mail"]
