"""Each command against a store that the test looks into: what it prints, what it changes, how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec import Raw
from shop_words import Shop, failed

from horarium.cli.exits import Exit, code_of
from horarium.cli.main import COMMANDS, root
from horarium.clock import to_instant
from horarium.errors import (
    EngineUnavailable,
    HorariumError,
    NotRegistered,
    ResultTimeout,
    RunNotFound,
    ScheduleConflict,
    ScheduleNotFound,
    StoreUnusable,
)
from horarium.outcome import Succeeded

# The door.


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(root, [command, "--help"])
    assert result.exit_code == 0 and "Usage: horarium" in result.stdout


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RunNotFound("x"), 3),
        (ScheduleNotFound("x"), 3),
        (NotRegistered("x"), 3),
        (ScheduleConflict("x", 1, 2), 4),
        (EngineUnavailable("busy"), 69),
        (ResultTimeout("x", 1.0, "PENDING"), 124),
        (StoreUnusable("corrupt"), 1),
        (HorariumError("other"), 1),
    ],
)
def test_each_error_of_the_house_has_its_exit_code(error: HorariumError, code: int) -> None:
    assert code_of(error) == code


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(root, ["wroker"])
    assert result.exit_code == Exit.USAGE
    assert "did you mean 'worker'?" in result.stderr


def test_an_app_that_is_not_there_is_one_line_and_wrong_usage(tmp_path: Path) -> None:
    result = CliRunner().invoke(root, ["-A", "nowhere_at_all", "tasks", "list"])
    assert result.exit_code == Exit.USAGE
    assert len(result.stderr.splitlines()) == 1 and result.stderr.startswith("error: ")


def test_an_app_that_fails_shows_its_own_traceback_and_exits_with_1(shop: Shop) -> None:
    Path("broken.py").write_text("import not_installed_here\n")
    result = CliRunner().invoke(root, ["-A", "broken", "tasks", "list"])
    assert result.exit_code == Exit.FAILED
    assert "import not_installed_here" in result.stderr and "locate" not in result.stderr


@pytest.mark.parametrize("arguments", [[], ["schedules"]])
def test_without_a_command_the_help_is_no_complaint(shop: Shop, arguments: list[str]) -> None:
    result = CliRunner().invoke(root, arguments)
    assert result.exit_code == Exit.USAGE
    assert (result.stdout + result.stderr).startswith("Usage: ")


def test_global_options_are_understood_after_the_command(shop: Shop) -> None:
    result = CliRunner().invoke(root, ["tasks", "list", "-A", shop.module])
    assert result.exit_code == 0 and "shop.charge" in result.stdout


def test_the_app_may_come_from_the_environment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HORARIUM_APP", shop.module)
    assert "shop.charge" in CliRunner().invoke(root, ["tasks", "list"]).stdout


@pytest.mark.parametrize("prefix", ["HORARIUM", "CELERY"])
def test_each_option_may_come_from_the_environment(shop: Shop, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send()
    shop.send()
    monkeypatch.setenv(f"{prefix}_RUNS_LIST_LIMIT", "1")
    assert len(shop("runs", "list").stdout.splitlines()) == 1


def test_the_command_line_wins_over_the_environment(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.send()
    shop.send()
    monkeypatch.setenv("HORARIUM_RUNS_LIST_LIMIT", "1")
    assert len(shop("runs", "list", "-n", "2").stdout.splitlines()) == 2


def test_horarium_store_overrules_the_apps(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.app.close()
    monkeypatch.setenv("HORARIUM_STORE", "carrier-pigeon://coop")
    result = shop("status")
    assert result.exit_code == Exit.FAILED
    assert "expected store to be the URL of a store" in result.stderr and "carrier-pigeon" in result.stderr


# Tasks and calls.


def test_tasks_list_needs_no_store(shop: Shop) -> None:
    shop.app.close()
    shop.app.conf.store = "sqlite:///never.db"
    rows = shop.json("tasks", "list")
    assert [(row["name"], row["queue"], row["time_limit"]) for row in rows] == [
        ("shop.charge", "default", None),
        ("shop.mail", "mail", 30),
    ]
    assert rows[0]["doc"] == "Charge an order."
    assert not Path("never.db").exists()


def test_call_prints_the_id_and_stores_the_message(shop: Shop) -> None:
    result = shop("call", "shop.charge", "-a", "[7]", "-k", '{"gently": true}', "--priority", "9", "-Q", "vip")
    [run] = shop.engine.results.read([result.stdout.strip()])
    assert run is not None
    assert (bytes(run.message.args), bytes(run.message.kwargs)) == (b"[7]", b'{"gently":true}')
    assert (run.message.queue, run.message.priority) == ("vip", 9)


def test_call_reads_an_eta_without_an_offset_in_the_apps_zone(shop: Shop) -> None:
    from datetime import UTC, datetime

    [run] = shop.engine.results.read(
        [shop("call", "shop.charge", "-a", "[1]", "--eta", "2030-07-01T12:00").stdout.strip()]
    )
    assert run is not None and run.message.eta == to_instant(datetime(2030, 7, 1, 10, tzinfo=UTC))


def test_call_understands_units_in_countdown_and_expires(shop: Shop) -> None:
    result = shop("call", "shop.charge", "-a", "[1]", "--countdown", "5m", "--expires", "2h")
    [run] = shop.engine.results.read([result.stdout.strip()])
    assert run is not None and run.message.eta is not None and run.message.expires is not None
    assert run.message.eta - run.message.created == 300_000
    assert run.message.expires - run.message.created == 7_200_000


def test_call_of_an_unknown_task_names_the_nearest_and_stores_nothing(shop: Shop) -> None:
    result = shop("call", "shop.chrage", "-a", "[1]")
    assert result.exit_code == Exit.NOT_FOUND
    assert "did you mean: shop.charge" in result.stderr and "--force" in result.stderr
    assert shop.json("runs", "list") == []


def test_call_with_force_stores_it_all_the_same(shop: Shop) -> None:
    result = shop("call", "shop.later", "--force")
    assert result.exit_code == 0 and len(shop.json("runs", "list")) == 1


def test_call_accepts_a_task_that_only_a_live_worker_knows(shop: Shop) -> None:
    shop.join(tasks=("elsewhere.refund",))
    assert shop("call", "elsewhere.refund").exit_code == 0


def test_call_with_bad_arguments_fails_and_stores_nothing(shop: Shop) -> None:
    result = shop("call", "shop.charge", "-k", '{"ordre": 1}')
    assert result.exit_code == Exit.FAILED and "ordre" in result.stderr
    assert shop.json("runs", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [["-a", "{}"], ["-a", "[1"], ["-k", "[]"], ["--eta", "soon"], ["--countdown", "x"], ["--priority", "10"]],
)
def test_call_refuses_options_that_cannot_be_read(shop: Shop, arguments: list[str]) -> None:
    result = shop("call", "shop.charge", *arguments)
    assert (result.exit_code == Exit.USAGE and "xpected" in result.stderr) or "range" in result.stderr


def test_call_that_waits_too_short_is_timed_out(shop: Shop) -> None:
    result = shop("call", "shop.charge", "-a", "[1]", "--wait", "--timeout", "0.01")
    assert result.exit_code == Exit.TIMED_OUT


# Results and runs.


def test_result_prints_the_value(shop: Shop) -> None:
    shop.send()
    assert shop("result", shop.finish()).stdout == '{"total":3}\n'


def test_an_id_may_be_shortened(shop: Shop) -> None:
    shop.send()
    assert shop("result", shop.finish()[:13]).exit_code == 0


def test_a_shortened_id_that_fits_two_runs_is_refused(shop: Shop) -> None:
    shop.send(task_id="abc-1")
    shop.send(task_id="abc-2")
    result = shop("result", "abc")
    assert result.exit_code == Exit.USAGE and "abc-1" in result.stderr and "abc-2" in result.stderr


def test_the_result_of_a_waiting_run_is_not_there_yet(shop: Shop) -> None:
    result = shop("result", shop.send())
    assert result.exit_code == Exit.NOT_FOUND
    assert result.stdout == "" and "it is PENDING" in result.stderr


def test_an_unknown_id_is_told_from_a_waiting_one(shop: Shop) -> None:
    result = shop("result", "0" * 36)
    assert result.exit_code == Exit.NOT_FOUND and "never sent to this store" in result.stderr


def test_the_result_of_a_failed_run_is_its_error(shop: Shop) -> None:
    shop.send()
    run_id = shop.finish(failed())
    result = shop("result", run_id)
    assert result.exit_code == Exit.FAILED
    assert result.stdout == "" and "shop.NoSuchOrder: no such order" in result.stderr
    assert f"horarium -A {shop.module} result {run_id} --traceback" in result.stderr
    assert shop("result", run_id, "--traceback").stdout.startswith("Traceback")


def test_waiting_for_a_result_is_bounded(shop: Shop) -> None:
    assert shop("result", shop.send(), "--timeout", "0.01").exit_code == Exit.TIMED_OUT


def test_runs_list_filters(shop: Shop) -> None:
    shop.send()
    done = shop.finish()
    waiting = shop.send("shop.mail")
    assert {row["id"] for row in shop.json("runs", "list")} == {waiting, done}
    assert [row["id"] for row in shop.json("runs", "list", "--state", "success")] == [done]
    assert [row["id"] for row in shop.json("runs", "list", "--task", "shop.mail", "--since", "1h")] == [waiting]
    assert [row["id"] for row in shop.json("runs", "list", "-Q", "mail,vip", "-n", "1")] == [waiting]


def test_runs_are_listed_by_a_question_as_in_the_dashboard(shop: Shop) -> None:
    shop("call", "shop.mail", "-a", '["ana"]')
    [row] = shop.json("runs", "list", "task:shop.* state:waiting args.0:ana")
    assert row["task"] == "shop.mail"
    assert shop.json("runs", "list", "task:shop.* -state:waiting") == []
    assert shop.json("runs", "list", "task:shop.*", "--state", "success") == []
    wrong = shop("runs", "list", "state:waitin")
    assert wrong.exit_code == 64
    assert "did you mean waiting?" in wrong.stderr


def test_a_listing_off_a_terminal_is_tab_separated_without_a_heading(shop: Shop) -> None:
    run_id = shop.send()
    [line] = shop("runs", "list").stdout.splitlines()
    assert line.split("\t")[:4] == [run_id, "shop.charge", "PENDING", "default"]


def test_an_empty_listing_says_so_on_stderr_only(shop: Shop) -> None:
    result = shop("runs", "list")
    assert (result.stdout, result.stderr) == ("", "no run matches\n")


def test_quiet_silences_what_is_said(shop: Shop) -> None:
    assert CliRunner().invoke(root, ["-A", shop.module, "-q", "runs", "list"]).stderr == ""


def test_runs_show_tells_why_a_run_waits(shop: Shop) -> None:
    result = shop("runs", "show", shop.send())
    assert "it waits for a worker: none is alive" in result.stdout
    assert f"horarium -A {shop.module} worker" in result.stdout


def test_runs_show_holds_attempts_log_and_traceback(shop: Shop) -> None:
    shop.send()
    text = shop("runs", "show", shop.finish(failed(), logs=("charging 1",))).stdout
    assert "attempt  1 on worker@vm failed" in text
    assert "charging 1" in text and "NoSuchOrder: no such order" in text


def test_runs_show_as_json_is_one_document(shop: Shop) -> None:
    shop.send()
    document = shop.json("runs", "show", shop.finish())
    assert document["result"] == {"total": 3} and document["args"] == [1]
    assert document["explanation"]["level"] == "ok" and document["created"].endswith("Z")


def test_runs_show_as_json_has_a_long_result_whole(shop: Shop) -> None:
    shop.send()
    long = ["x" * 1000] * 400
    id = shop.finish(Succeeded(result=Raw(json.dumps(long).encode())))
    assert shop.json("runs", "show", id)["result"] == long == shop.json("result", id)["result"]


def test_runs_retry_sends_a_new_message_that_names_the_old(shop: Shop) -> None:
    shop.send()
    old = shop.finish(failed())
    new = shop("runs", "retry", old).stdout.strip()
    [run] = shop.engine.results.read([new])
    assert run is not None and new != old
    assert run.state == "PENDING" and run.message.headers == {"retry_of": old} and bytes(run.message.args) == b"[1]"


def test_runs_retry_refuses_one_that_has_not_ended_and_sends_nothing(shop: Shop) -> None:
    shop.send()
    ended = shop.finish()
    waiting = shop.send()
    result = shop("runs", "retry", ended, waiting)
    assert result.exit_code == Exit.REFUSED and "nothing was sent" in result.stderr
    assert len(shop.json("runs", "list")) == 2


def test_runs_priority_lets_one_that_waits_run_sooner(shop: Shop) -> None:
    first, second = shop.send(), shop.send()
    answer = shop("runs", "priority", second, "7")
    assert (answer.exit_code, answer.stderr) == (0, f"run {second}: it has priority 7 now\n")
    assert f"run {second}: it has priority 7 already" in shop("runs", "priority", second, "7").stderr
    assert "priority 7" in shop("runs", "show", second).stdout
    assert shop.finish() == second
    refused = shop("runs", "priority", second, "1")
    assert refused.exit_code == Exit.REFUSED
    assert f"run {second}: it has ended: succeeded; nothing was done" in refused.stderr
    assert shop("runs", "priority", first, "10").exit_code == Exit.USAGE
    assert shop("runs", "priority", "nobody", "1").exit_code == Exit.NOT_FOUND


# Queues.


def test_purge_without_a_terminal_is_refused_and_says_how(shop: Shop) -> None:
    shop.send()
    result = shop("purge")
    assert result.exit_code == Exit.REFUSED and "add -f" in result.stderr
    assert shop.engine.inspector.counts().queues["default"].ready == 1


def test_purge_cancels_what_waits_now_and_later(shop: Shop) -> None:
    shop.send()
    shop.send(countdown=60)
    assert shop("purge", "-f").stdout == "2 messages cancelled\n"
    assert {row["state"] for row in shop.json("runs", "list")} == {"REVOKED"}


def test_purge_of_a_queue_leaves_the_others(shop: Shop) -> None:
    shop.send()
    shop.send("shop.mail")
    assert shop.json("purge", "-f", "-Q", "mail") == {"purged": 1, "queues": ["mail"]}
    assert shop.json("purge", "-f", "-X", "default")["purged"] == 0


# The fleet.


def test_an_unknown_question_is_wrong_usage(shop: Shop) -> None:
    assert shop("inspect", "entrails").exit_code == Exit.USAGE


def test_status_exits_with_69_when_nobody_works(shop: Shop) -> None:
    assert shop("status", "-t", "0").exit_code == Exit.UNAVAILABLE


def test_status_shows_nodes_queues_and_states(shop: Shop) -> None:
    shop.join()
    shop.join("scheduler")
    shop.send()
    text = shop("status").stdout
    assert "worker@vm: OK" in text and "1 node online, 1 scheduler" in text
    assert "default\t1" in text and "PENDING 1" in text
    assert shop.json("status")["queues"][0]["ready"] == 1


# Schedules.


def test_schedules_list_shows_what_only_the_code_knows(shop: Shop) -> None:
    rows = {row["name"]: row for row in shop.json("schedules", "list")}
    assert rows["nightly"]["spec"] == "crontab 30 2 * * *" and rows["nightly"]["timezone"] == "Europe/Berlin"
    assert rows["nightly"]["status"].startswith("not stored yet") and rows["nightly"]["next_fire"] is not None


def test_schedules_next_shows_local_time_and_utc(shop: Shop) -> None:
    rows = shop.json("schedules", "next", "nightly", "-n", "3")
    assert len(rows) == 3
    assert all("02:30:00 CE" in row["local"] or row["remark"] for row in rows)
    assert len(shop("schedules", "next", "-n", "4").stdout.splitlines()) == 4


def test_an_unknown_schedule_is_answered_with_the_nearest(shop: Shop) -> None:
    result = shop("schedules", "next", "nightley")
    assert result.exit_code == Exit.NOT_FOUND and "did you mean: nightly" in result.stderr


def test_pause_is_kept_with_its_author_and_note_and_resume_takes_it_back(shop: Shop) -> None:
    assert shop("schedules", "pause", "nightly", "--note", "moving").stdout == "nightly paused\n"
    [stored] = shop.engine.schedules.get(["nightly"])
    assert stored is not None and stored.paused_by and stored.pause_note == "moving" and not stored.is_active
    assert shop("schedules", "resume", "nightly").exit_code == 0
    [stored] = shop.engine.schedules.get(["nightly"])
    assert stored is not None and stored.is_active


def test_run_now_fires_at_once_and_leaves_the_next_firing_alone(shop: Shop) -> None:
    before = shop.json("schedules", "next", "nightly", "-n", "1")[0]["utc"]
    run_id = shop("schedules", "run", "nightly").stdout.strip()
    [run] = shop.engine.results.read([run_id])
    assert run is not None and run.message.schedule == "nightly" and bytes(run.message.args) == b"[7]"
    assert shop.json("schedules", "next", "nightly", "-n", "1")[0]["utc"] == before


def test_a_schedule_that_code_disables_is_not_resumed_by_hand(shop: Shop) -> None:
    shop.app.conf.beat_schedule = {"off": {"task": "shop.mail", "schedule": 60.0, "enabled": False}}
    result = shop("schedules", "resume", "off")
    assert result.exit_code == Exit.REFUSED and "enabled=False" in result.stderr


# Doctor and check.


def test_doctor_exits_with_1_while_there_is_a_problem(shop: Shop) -> None:
    result = shop("doctor")
    assert result.exit_code == Exit.FAILED
    assert "no worker is alive" in result.stdout and f"-> horarium -A {shop.module} worker" in result.stdout


def test_doctor_of_a_task_and_of_a_run(shop: Shop) -> None:
    run_id = shop.send(countdown=600)
    shop.join()
    [finding] = shop.json("doctor", run_id[:20])
    assert finding["cause"] == "future-eta"
    causes = {finding["cause"] for finding in shop.json("doctor", "shop.chrage")}
    assert "task-unknown" in causes
    assert shop("doctor", "0123abcd").exit_code == Exit.NOT_FOUND


def test_check_of_a_sound_app_is_quiet_and_touches_no_store(shop: Shop) -> None:
    shop.app.close()
    shop.app.conf.store = "sqlite:///never.db"
    result = shop("check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "2 tasks, 2 schedules, no error" in result.stderr
    assert not Path("never.db").exists()


def test_check_names_each_schedule_that_is_wrong(shop: Shop) -> None:
    shop.app.conf.beat_schedule = {
        "unknown": {"task": "shop.chrage", "schedule": 60.0},
        "nowhere": {"task": "shop.mail", "schedule": 60.0, "timezone": "Mars/Olympus"},
        "wrong": {"task": "shop.mail", "schedule": "often"},
        "badly called": {"task": "shop.charge", "schedule": 60.0, "kwargs": {"ordre": 1}},
        "fine": {"task": "shop.charge", "schedule": 60.0, "args": [1]},
    }
    result = shop("check")
    assert result.exit_code == Exit.FAILED
    for name in ("unknown", "nowhere", "wrong", "badly called"):
        assert f"schedule {name!r}" in result.stdout
    assert "'fine'" not in result.stdout and "'shop.charge'" in result.stdout


def test_check_names_a_route_that_cannot_be_read(shop: Shop) -> None:
    shop.app.conf.task_routes = {"shop.*": {"queue": "cash", "prority": 3}}
    result = shop("check")
    assert result.exit_code == Exit.FAILED
    assert "task_routes" in result.stdout and "prority" in result.stdout
