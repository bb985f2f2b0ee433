"""Celery's commands and options, by Celery's names: call, result, list, report, shell, logtool; and those not here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from shop_words import Shop, failed

import horarium
from horarium.cli.exits import Exit
from horarium.cli.main import root

LOG = """
-- horarium 0.1.0: worker@vm
[2026-11-28 12:00:00,000: INFO/MainProcess] worker@vm ready.
[2026-11-28 12:00:01,000: INFO/child-0] Task shop.charge[a1] received
[2026-11-28 12:00:01,100: INFO/child-0] Task shop.charge[a1] succeeded in 0.1s: 2
[2026-11-28 12:00:02,000: INFO/child-1] Task shop.mail[b2] received
[2026-11-28 12:00:02,100: ERROR/child-1] Task shop.mail[b2] raised unexpected: ValueError('x')
Traceback (most recent call last):
  File "shop.py", line 1, in mail
ValueError: x
[2026-11-28 12:00:03,000: INFO/child-0] Task shop.charge[c3] received
[2026-11-28 12:00:03,100: INFO/child-0] Task shop.charge[c3] retry: Retry in 3s
[2026-11-28 12:00:04,000: INFO/child-0] Task shop.charge[d4] received
[2026-11-28 12:00:04,100: INFO/child-0] Discarding revoked task: shop.charge[d4] (revoked)
"""


def test_call_takes_celerys_options_and_prints_the_id_row_70(shop: Shop) -> None:
    arguments = ["shop.charge", "--kwargs", '{"order": 3}', "--serializer", "json", "--routing-key", "cash"]
    result = shop("call", *arguments, "--exchange", "tasks", "--priority", "3")
    [run] = shop.engine.results.read([result.stdout.strip()])
    assert run is not None and (run.message.queue, run.message.priority) == ("cash", 3)
    assert "note: --exchange has no effect" in result.stderr


def test_call_refuses_a_serializer_that_is_not_json(shop: Shop) -> None:
    result = shop("call", "shop.charge", "-a", "[1]", "--serializer", "pickle")
    assert result.exit_code == Exit.USAGE and "expected --serializer json, got pickle" in result.stderr


def test_result_prints_the_value_and_says_clearly_when_there_is_none_row_111(shop: Shop) -> None:
    run_id = shop.send()
    waiting = shop("result", run_id)
    assert waiting.exit_code == Exit.NOT_FOUND and "has not ended: it is PENDING" in waiting.stderr
    shop.finish()
    assert shop("result", run_id).stdout == '{"total":3}\n'
    assert shop("result", run_id, "-t", "shop.charge").exit_code == Exit.OK
    assert shop("result", run_id, "--task", "shop.mail").exit_code == Exit.NOT_FOUND
    absent = shop("result", "0" * 36)
    assert absent.exit_code == Exit.NOT_FOUND and absent.stdout == "" and "0000" in absent.stderr


def test_result_prints_a_traceback_when_asked_to(shop: Shop) -> None:
    shop.send()
    run_id = shop.finish(failed())
    result = shop("result", run_id, "--traceback")
    assert result.exit_code == Exit.FAILED and "NoSuchOrder: no such order" in result.stdout


def test_purge_without_a_terminal_refuses_and_names_f_row_112(shop: Shop) -> None:
    shop.send()
    result = shop("purge")
    assert result.exit_code == Exit.REFUSED and "add -f" in result.stderr
    assert shop("purge", "-f").stdout == "1 message cancelled\n"


@pytest.mark.parametrize("name", ["bindings", "queues"])
def test_list_shows_queues_and_who_reads_them(shop: Shop, name: str) -> None:
    shop.join()
    shop.send(queue="odd")
    rows = {row["queue"]: row for row in shop.json("list", name)}
    assert set(rows) == {"default", "mail", "odd"}
    assert rows["mail"]["workers"] == ["worker@vm"] and rows["odd"] == {
        "queue": "odd",
        "routing_key": "odd",
        "ready": 1,
        "scheduled": 0,
        "claimed": 0,
        "workers": [],
    }
    assert "shop.mail" in shop("list", "tasks").stdout


def test_a_report_shows_what_was_chosen_and_hides_secrets(shop: Shop) -> None:
    shop.app.close()
    shop.app.conf.store = "redis://ada:lovelace@localhost:6379/0"
    shop.app.conf.beat_schedule = {"x": {"task": "shop.charge", "schedule": 5.0, "kwargs": {"api_token": "hush"}}}
    text = shop("report").stdout
    assert "horarium:" in text and "platform" in text and "timezone: 'Europe/Berlin'" in text
    assert "lovelace" not in text and "hush" not in text and "task_default_queue" not in text
    assert horarium.bugreport(shop.app) == text


def test_a_shell_without_a_terminal_runs_what_stdin_says_row_20(shop: Shop) -> None:
    result = shop("shell", input="run = charge.delay(7)\nlen(run.id)\nfor each in (1, 2):\n    print(each)\napp.main\n")
    assert (result.exit_code, result.stdout) == (0, "36\n1\n2\n'shop'\n")
    assert shop("status").stdout.count("PENDING 1") == 1


def test_a_shell_shows_the_users_own_traceback_and_fails(shop: Shop) -> None:
    result = shop("shell", input="1/0\nprint('never')\n")
    assert (result.exit_code, result.stdout) == (Exit.FAILED, "")
    assert "ZeroDivisionError" in result.stderr and "shell.py" not in result.stderr


def test_a_shell_without_tasks_has_the_app_alone(shop: Shop) -> None:
    result = shop("shell", "-T", input="'charge' in dir(), 'app' in dir(), celery is app\n")
    assert result.stdout == "(False, True, True)\n"


def test_logtool_reads_a_log_back(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text(LOG)

    def tool(action: str) -> str:
        return CliRunner().invoke(root, ["logtool", action, str(path)]).stdout

    stats = dict(line.split("\t") for line in tool("stats").splitlines())
    assert stats["received"] == "4" and stats["errors"] == "1" and stats["shop.charge"] == "3"
    assert (stats["succeeded"], stats["raised unexpected"], stats["discarded"]) == ("1", "1", "1")
    assert tool("incomplete") == "c3\tshop.charge\n"
    assert tool("traces").startswith("1 times:\nTraceback") and "ValueError: x" in tool("errors")
    assert tool("debug") == "[2026-11-28 12:00:00,000: INFO/MainProcess] worker@vm ready.\n"
    assert CliRunner().invoke(root, ["logtool", "incomplete"], input=LOG).stdout == "c3\tshop.charge\n"


@pytest.mark.parametrize(
    ("command", "instead"), [("multi", "systemctl start"), ("graph", "horarium status"), ("amqp", "horarium purge")]
)
def test_a_command_that_is_not_here_says_what_to_use_instead(command: str, instead: str) -> None:
    result = CliRunner().invoke(root, [command, "start", "w1", "-l", "info", "--pidfile=x"])
    assert result.exit_code == Exit.USAGE and instead in result.stderr
    assert instead in CliRunner().invoke(root, [command, "--help"]).stdout


def test_a_misspelt_option_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(root, ["worker", "--concurency", "2"])
    assert result.exit_code == 64 and "--concurrency" in result.stderr


def test_global_options_of_celery_are_taken_before_and_after_the_command(shop: Shop) -> None:
    Path("extra.py").write_text("CELERY_TASK_DEFAULT_QUEUE = 'cash'\nresult_expires = 60\nUNRELATED = 1\n")
    for arguments in (
        ["-A", shop.module, "--config", "extra", "--skip-checks", "-C", "-q", "--loader", "x", "report"],
        ["report", "-A", shop.module, "--config=extra", "--no-color", "--quiet", "--skip-checks", "--loader=x"],
    ):
        result = CliRunner().invoke(root, arguments)
        assert result.exit_code == 0 and "task_default_queue: 'cash'" in result.stdout, result.stderr
        assert result.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_covers_new_commands(shell: str) -> None:
    place = {"COMP_CWORD": "mig"} if shell == "fish" else {"COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "horarium"],
        env={
            "_HORARIUM_COMPLETE": f"{shell}_complete",
            "PYTHONPATH": os.pathsep.join(sys.path),
            "COMP_WORDS": "horarium mig",
            **place,
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "migrate" in done.stdout, done.stderr
