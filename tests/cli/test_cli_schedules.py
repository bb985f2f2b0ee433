"""``horarium schedules``: each verb over a store in memory, in time that stands still until a test moves it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result
from shop_words import SHOP

from horarium.app.app import Horarium
from horarium.cli.exits import Exit
from horarium.cli.main import root
from horarium.cli.session import Session
from horarium.clock import ManualClock
from horarium.engines.memory import MemoryEngine
from horarium.scheduler.beat import Scheduler
from horarium.schedules.record import Schedule
from horarium.testing import drain


class Desk:
    """The shop's command line, and its store in memory. It is 2026-01-01 01:00 in Berlin."""

    def __init__(self, module: str, app: Horarium, clock: ManualClock) -> None:
        self.module = module
        self.app = app
        self.clock = clock

    def __call__(self, *args: str) -> Result:
        return CliRunner().invoke(root, ["-A", self.module, "schedules", *args])

    def json(self, *args: str) -> Any:
        result = self(*args, "--json")
        assert result.exit_code == 0, result.stderr
        return msgspec.json.decode(result.stdout)

    def refused(self, *args: str, code: Exit = Exit.REFUSED) -> str:
        result = self(*args)
        assert result.exit_code == code, result.stdout + result.stderr
        return result.stderr

    def stored(self, name: str) -> Schedule:
        [found] = self.app.engine.schedules.get([name])
        assert found is not None
        return found

    def beat(self, seconds: float = 0) -> None:
        """Let time pass, then a scheduler and a worker work."""
        self.clock.advance(seconds)
        Scheduler(self.app).tick(self.clock.now())
        drain(self.app)


def _fail(*args: object, **kwargs: object) -> None:
    raise ValueError("no such order")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    module = f"desk_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(SHOP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    for name in ("HORARIUM_APP", "HORARIUM_STORE", "CELERY_APP", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    app = importlib.import_module(module).app
    clock = ManualClock()
    with app.connection.replaced(MemoryEngine(clock=clock), clock):
        yield Desk(module, app, clock)
    del sys.modules[module]


# Creating and editing.


def test_create_stores_what_the_options_say(desk: Desk) -> None:
    result = desk(
        *("create", "report", "shop.charge", "--crontab", "0 6 * * 1", "-k", '{"order": 7}', "--queue", "slow"),
        *("--priority", "9", "--expires", "5m", "--timezone", "America/New_York", "--catchup", "none"),
        *("--max-runs", "3", "--end", "2026-06-01T12:00", "--note", "asked for by sales", "--overlap", "skip"),
        *("--max-active", "2", "--jitter", "10", "--spread", "1h", "--grace", "1h", "--pause-after", "5"),
        *("--description", "the weekly report", "--dst-gap", "skip", "--dst-fold", "last", "--catchup-window", "2h"),
    )
    assert (result.exit_code, result.stdout) == (0, "report created\n")
    stored = desk.stored("report")
    assert stored.options == {"queue": "slow", "priority": 9, "expires": 300.0}
    assert (stored.timezone, stored.catchup, stored.max_runs, stored.owner) == ("America/New_York", "none", 3, "person")
    assert (stored.overlap, stored.max_active, stored.jitter, stored.spread) == ("skip", 2, 10.0, 3600.0)
    assert (stored.grace, stored.pause_after, stored.description) == (3600.0, 5, "the weekly report")
    assert (stored.dst_gap, stored.dst_fold, stored.catchup_window) == ("skip", "last", 7200.0)
    assert "overlap=skip, max_active=2, jitter=10.0" in desk("show", "report").stdout
    assert desk.json("show", "report")["end"] == "2026-06-01T16:00:00.000Z"
    assert stored.edits[0].note == "asked for by sales"


@pytest.mark.parametrize(
    ("option", "value", "spec"),
    [
        ("--crontab", "30 2 * * *", "crontab 30 2 * * *"),
        ("--cron", "0 6 1 * mon", "cron 0 6 1 * mon"),
        ("--calendar", "2 weeks at 09:00 on mon,thu from 2026-01-05", "every 2 weeks"),
        ("--solar", "sunset 52.5 13.4", "sunset"),
        ("--every", "90m", "every 1 h 30 min"),
        ("--at", "2026-12-24T18:00", "once at 2026-12-24 17:00:00+00:00"),
    ],
)
def test_each_kind_of_spec_is_an_option(desk: Desk, option: str, value: str, spec: str) -> None:
    assert spec in desk.json("create", "s", "shop.mail", option, value)["spec"]


def test_several_specs_are_a_union_and_days_can_be_excluded(desk: Desk) -> None:
    desk("create", "s", "shop.mail", "--cron", "0 9 * * *", "--cron", "0 18 * * *", "--except-dates", "2026-01-02")
    hours = [row["utc"][8:13] for row in desk.json("next", "s", "-n", "4")]
    assert hours == ["01T08", "01T17", "03T08", "03T17"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["shop.mail"], Exit.USAGE, "one option that says when it fires"),
        (["shop.mail", "--except-dates", "2026-12-24"], Exit.USAGE, "together with what says when"),
        (["shop.mail", "--calendar", "now and then"], Exit.USAGE, "2 weeks at 09:00"),
        (["shop.mail", "--solar", "sunset Berlin"], Exit.USAGE, "sunset 52.5 13.4"),
        (["shop.mail", "--solar", "sunsett 52.5 13.4"], Exit.USAGE, "sunset"),
        (["shop.mail", "--crontab", "61 * * * *"], Exit.USAGE, "61"),
        (["shop.mail", "--at", "christmas"], Exit.USAGE, "2027-03-28T02:30"),
        (["shop.mail", "--at", "2025-12-24T18:00"], Exit.USAGE, "later than now"),
        (["shop.mial", "--every", "5m"], Exit.NOT_FOUND, "did you mean 'shop.mail'"),
        (["shop.charge", "--every", "5m"], Exit.FAILED, "order"),
        (["shop.mail", "--every", "5m", "--zone", "Europe/Berln"], Exit.USAGE, "did you mean 'Europe/Berlin'"),
        (["shop.mail", "--every", "5m", "--options", '{"queu": "x"}'], Exit.FAILED, "did you mean 'queue'"),
        (["shop.mail", "--evry", "5m"], Exit.USAGE, "--every"),
        (["shop.mail", "--every", "soon"], Exit.USAGE, "Invalid value for '--every'"),
        (["shop.mail", "--every", "99999999999999d"], Exit.USAGE, "from 0 to a hundred years"),
        (["shop.mail", "--at", "9999-12-31T23:59"], Exit.USAGE, "it is not from 1970 to 9998"),
    ],
)
def test_what_is_wrong_with_a_new_schedule_is_said_and_nothing_stored(
    desk: Desk, arguments: list[str], code: Exit, words: str
) -> None:
    assert words in desk.refused("create", "s", *arguments, code=code)
    assert desk.app.engine.schedules.get(["s"]) == [None]


def test_a_taken_name_is_refused(desk: Desk) -> None:
    desk("create", "s", "shop.mail", "--every", "5m")
    said = desk.refused("create", "s", "shop.mail", "--every", "5m")
    assert "expected a name that no schedule has, got 's', which is taken" in said


def test_edit_changes_what_is_given(desk: Desk) -> None:
    desk("create", "s", "shop.mail", "--every", "5m", "--queue", "slow", "--max-runs", "3")
    assert desk("edit", "s", "--every", "10m", "--priority", "2", "--unset", "max_runs").stdout == "s changed\n"
    stored = desk.stored("s")
    assert (stored.spec["milliseconds"], stored.max_runs) == (600_000, None)
    assert stored.options == {"queue": "slow", "priority": 2}
    desk("edit", "s", "--unset", "queue")
    assert desk.stored("s").options == {"priority": 2}


def test_edit_of_an_old_version_and_of_what_code_defines_is_refused(desk: Desk) -> None:
    desk("create", "s", "shop.mail", "--every", "5m")
    desk("edit", "s", "--every", "6m")
    assert "expected version 1" in desk.refused("edit", "s", "--every", "7m", "--if-version", "1")
    assert "--take-over" in desk.refused("edit", "nightly", "--every", "7m")
    assert desk("edit", "nightly", "--every", "7m", "--take-over").exit_code == 0
    assert desk.stored("nightly").owner == "person"


def test_edit_with_nothing_to_change_is_wrong_usage(desk: Desk) -> None:
    assert "expected something to change" in desk.refused("edit", "often", code=Exit.USAGE)


def test_delete_removes_a_persons_and_refuses_codes(desk: Desk) -> None:
    desk("create", "s", "shop.mail", "--every", "5m")
    assert desk("delete", "s").stdout == "s deleted\n"
    desk("sync")
    assert "the code of app 'shop' defines" in desk.refused("delete", "often")
    assert desk("delete", "often", "--take-over").exit_code == 0


# Holding.


def test_pause_until_and_resume(desk: Desk) -> None:
    assert desk("pause", "nightly", "often", "--until", "2h", "--note", "moving").exit_code == 0
    rows = {row["name"]: row for row in desk.json("list")}
    assert rows["often"]["status"].endswith("until Thu 01 Jan 2026  03:00:00 CET (moving)")
    assert "skips what is due before" in desk("next", "often").stderr
    desk.beat(2 * 3600 + 1)
    assert {row["status"] for row in desk.json("list")} == {"active"}
    assert desk("resume", "often").stdout == "often resumed\n"


def test_skip_unskip_and_move_one_firing(desk: Desk) -> None:
    assert desk("skip", "nightly", "2026-01-02T02:30").stdout.startswith("nightly will not fire at Fri 02 Jan 2026")
    assert desk.json("next", "nightly", "-n", "2")[1]["utc"] == "2026-01-03T01:30:00.000Z"
    desk("unskip", "nightly", "2026-01-02T02:30")
    moved = desk("move", "nightly", "2026-01-02T02:30", "2026-01-02T05:00")
    assert "fire at Fri 02 Jan 2026  05:00:00 CET instead of Fri 02 Jan 2026  02:30:00 CET" in moved.stdout
    second = desk.json("next", "nightly", "-n", "2")[1]
    assert (second["utc"], second["remark"]) == ("2026-01-02T04:00:00.000Z", "moved here by a person")


def test_a_moment_that_is_no_firing_is_refused_with_the_nearest(desk: Desk) -> None:
    assert "the nearest is 2026-01-02 02:30:00+01:00" in desk.refused("skip", "nightly", "2026-01-02T03:00")


def test_run_sends_a_run_for_each_name_and_records_who_asked(desk: Desk) -> None:
    rows = desk.json("run", "nightly", "often")
    assert [(row["schedule"], row["task"]) for row in rows] == [("nightly", "shop.charge"), ("often", "shop.mail")]
    [run] = desk.app.engine.results.read([rows[0]["id"]])
    assert run is not None
    assert run.message.cause is not None
    assert run.message.cause.by


# The past.


def test_backfill_shows_what_it_would_fire_then_fires_it(desk: Desk) -> None:
    arguments = ["backfill", "nightly", "--from", "2025-12-28T00:00", "--to", "2025-12-31T00:00"]
    dry = desk(*arguments, "--dry-run")
    assert dry.stdout.splitlines()[0] == "Sun 28 Dec 2025  02:30:00 CET"
    assert "3 instants to fire" in dry.stderr
    assert desk(*arguments).stdout == "nightly/backfill-1\n"
    for _ in range(2):
        desk.beat(1)
    found = desk.json("show", "nightly/backfill-1")
    assert (found["progress"], found["status"]) == ({"done": 2, "total": 3}, "2 of 3 fired")
    assert desk.json("show", "nightly")["backfills"] == [{"name": "nightly/backfill-1", "status": "2 of 3 fired"}]
    desk("delete", "nightly/backfill-1")
    assert desk.json("show", "nightly")["backfills"] == []


def test_backfill_of_nothing_says_so(desk: Desk) -> None:
    result = desk("backfill", "often", "--from", "1d")  # an interval has no instants before its creation
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing to fire" in result.stderr


def test_backfill_of_a_range_to_come_is_refused(desk: Desk) -> None:
    assert "range that is past" in desk.refused("backfill", "nightly", "--from", "1d", "--to", "2026-02-01")


def test_history_lists_runs_with_lateness_and_rate(desk: Desk) -> None:
    desk("sync")
    for _ in range(3):
        desk.beat(300)
    desk("run", "often")
    rows = desk.json("history", "often")
    assert [row["kind"] for row in rows] == ["manual", "auto", "auto", "auto"]
    assert (rows[1]["lateness"], rows[1]["state"], rows[0]["state"]) == (0.0, "SUCCESS", "PENDING")
    assert "3 of 3 succeeded (100%)" in desk("history", "often").stderr


# Looking.


def test_show_tells_all_that_is_known(desk: Desk) -> None:
    desk("pause", "often", "--note", "quiet")
    desk("resume", "often")
    desk.beat(300)
    desk("skip", "often", "2026-01-01T01:15")
    text = desk("show", "often").stdout
    for words in (
        "fires  every 5 min",
        "Every 5 minutes",
        "zone  Europe/Berlin",
        "health  ok: ",
        "status  active",
        "owner  the code of app 'shop'",
        "skipped  Thu 01 Jan 2026  01:15:00 CET",
        "next  Thu 01 Jan 2026  01:10:00 CET",
        "last  Thu 01 Jan 2026  01:05:00 CET",
        "late by  0 ms",
        "succeeded  1 of the last 1 (100%)",
        "paused by",
        "(quiet)",
    ):
        assert words in text
    assert len(desk.json("show", "often")["next"]) == 5


def test_a_schedule_that_fails_says_so_and_what_the_last_error_was(desk: Desk) -> None:
    desk("create", "bad", "shop.charge", "--every", "5m", "-k", '{"order": 7}')
    desk.app.tasks["shop.charge"].max_retries = 0
    desk.app.tasks["shop.charge"].run = _fail  # type: ignore[method-assign]
    desk.beat(300)
    text = desk("show", "bad").stdout
    assert "status  active, failing" in text
    assert "health  failing: " in text
    assert "succeeded  0 of the last 1 (0%)" in text
    assert "last error  builtins.ValueError: no such order" in text


def test_an_unknown_schedule_is_not_found_by_any_verb(desk: Desk) -> None:
    for verb in ("show", "next", "history", "pause", "resume", "run", "delete"):
        assert "did you mean: nightly" in desk.refused(verb, "nightley", code=Exit.NOT_FOUND)


def test_next_marks_clock_changes(desk: Desk) -> None:
    rows = desk.json("next", "nightly", "-n", "90")
    assert [row["remark"][:5] for row in rows if row["utc"].startswith("2026-03-29")] == ["moved"]


# Simulation and sync.


def test_simulate_adds_up_a_day(desk: Desk) -> None:
    desk("create", "also", "shop.mail", "--crontab", "0 * * * *")
    day = desk.json("simulate", "--from", "2026-03-29T00:00", "--to", "24h")
    assert day["schedules"] == {"nightly": 1, "often": 288, "also": 24}
    assert (day["total"], day["is_cut"]) == (313, False)
    assert {each["at"]: each["count"] for each in day["collisions"]}["2026-03-29T01:00:00.000Z"] == 3
    assert [each["remark"][:5] for each in day["clock_changes"] if each["schedule"] == "nightly"] == ["moved"]
    assert day["minutes"]["2026-03-29T01:00:00.000Z"] == 3


def test_simulate_draws_the_load_and_lists_firings_when_asked(desk: Desk) -> None:
    result = desk("simulate", "nightly", "--from", "2026-03-29T00:00", "--to", "2026-03-30T00:00", "--firings")
    first, chart, *_ = result.stdout.splitlines()
    assert first.split("\t")[:3] == ["2026-03-29T01:00:00.000Z", "nightly", "Sun 29 Mar 2026  03:00:00 CEST"]
    assert chart.split("\t")[1:] == ["1", "1", "█" * 50]
    assert "1 firing of 1 schedule;" in result.stderr


def test_simulate_stops_at_its_limit_and_says_so(desk: Desk) -> None:
    result = desk("simulate", "--to", "1d", "--limit", "10")
    assert "stopped after 10 firings" in result.stderr
    assert desk.json("simulate", "--to", "1d", "--limit", "10")["is_cut"] is True


def test_simulate_leaves_the_store_as_it_is(desk: Desk) -> None:
    desk("simulate")
    assert list(desk.app.schedules.find()) == []


def test_a_dry_sync_shows_the_difference_and_does_nothing(desk: Desk) -> None:
    assert desk("sync", "--dry-run").stdout == "+ nightly\n+ often\n"
    assert list(desk.app.schedules.find()) == []
    desk("sync")
    desk("edit", "nightly", "--take-over", "--every", "5m")
    desk.app.conf.beat_schedule = {
        "nightly": {"task": "shop.charge", "schedule": 60.0, "args": [7]},
        "new": {"task": "shop.mail", "schedule": 60.0},
        "wrong": {"task": "shop.mail", "schedule": "often"},
    }
    before = list(desk.app.schedules.find())
    result = desk("sync", "--dry-run")
    assert [line.split("  ")[0] for line in result.stdout.splitlines()] == ["+ new", "- often", "= nightly", "! wrong"]
    assert result.exit_code == Exit.FAILED
    assert list(desk.app.schedules.find()) == before


def test_a_sync_names_the_fields_it_changes(desk: Desk) -> None:
    desk("sync")
    desk.app.conf.beat_schedule = {**desk.app.conf.beat_schedule, "often": {"task": "shop.mail", "schedule": 60.0}}
    changed = desk.json("sync", "--dry-run")["changed"]
    assert changed == {
        "often": {"spec": [{"kind": "every", "milliseconds": 300_000}, {"kind": "every", "milliseconds": 60_000}]}
    }
    assert desk("sync").stdout.startswith("~ often  spec: ")
    assert "the store has what the code defines" in desk("sync", "--dry-run").stderr


# The shell.


def test_names_are_completed_from_store_and_code(desk: Desk) -> None:
    desk("create", "new-one", "shop.mail", "--every", "5m")

    def completed(app: str, verb: str) -> list[str]:
        complete = ShellComplete(root, {"obj": Session()}, "horarium", "_HORARIUM_COMPLETE")
        return [item.value for item in complete.get_completions(["-A", app, "schedules", verb], "n")]

    for verb in ("show", "pause", "simulate"):
        assert completed(desk.module, verb) == ["new-one", "nightly"]
    assert completed("nowhere", "show") == []


def test_of_several_names_one_that_is_unknown_changes_none(desk: Desk) -> None:
    desk.refused("pause", "nightly", "nightley", code=Exit.NOT_FOUND)
    assert list(desk.app.schedules.find()) == []
