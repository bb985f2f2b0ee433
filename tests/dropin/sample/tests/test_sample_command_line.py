"""The commands of operators."""

import json
import subprocess
import sys
from pathlib import Path

CELERY = Path(sys.executable).parent / "celery"
PATIENCE = 60


def celery(*arguments, code=0):
    done = subprocess.run([CELERY, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_call_prints_the_id_and_result_the_value():
    called = celery("-A", "sample", "call", "sample.tasks.add", "--args", "[2, 3]").split()[-1]
    deadline = 50
    while deadline and subprocess.run([CELERY, "-A", "sample", "result", called], capture_output=True).returncode:
        deadline -= 1
    assert celery("-A", "sample", "result", called).strip().endswith("5")


def test_call_takes_options_as_celery_names_them():
    options = ["-a", "[1]", "-k", '{"y": 2}', "--countdown", "0", "--queue", "slow"]
    assert celery("-A", "sample", "call", "sample.tasks.add", *options).strip()


def test_status_and_inspect_tell_of_the_worker():
    assert "@" in celery("-A", "sample", "status", "--timeout", "5")
    assert "pong" in celery("-A", "sample", "inspect", "ping", "-t", "5")
    [answer] = json.loads(celery("-A", "sample", "inspect", "ping", "-t", "5", "--json")).values()
    assert answer == {"ok": "pong"}
    assert "sample.tasks.add" in celery("-A", "sample", "inspect", "registered", "-t", "5")


def test_options_stand_before_the_command():
    assert "pong" in celery("-q", "--no-color", "-A", "sample.celery:app", "inspect", "ping", "-t", "5")


def test_nobody_answers_with_exit_code_69():
    celery("-A", "sample", "inspect", "ping", "-t", "0.5", "-d", "nobody@nowhere", code=69)


def test_the_version_is_told():
    assert celery("--version").strip()
