"""``horarium flower``: the dashboard as Flower is started. What it serves is tested in tests/dashboard."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from shop_words import Shop
from starlette.testclient import TestClient

from horarium.cli.commands.flower import LEFTOVERS, REFUSED
from horarium.cli.main import root
from horarium.dashboard import serving

SOURCE = Path(__file__).parents[2] / "src"
PATIENCE = 60.0
OURS = ("--port=0", "--address=127.0.0.1")
Started = Callable[..., tuple[Result, TestClient, dict[str, Any]]]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without an app, and an environment that names none."""
    monkeypatch.chdir(tmp_path)
    for name in (*os.environ,):
        if name.startswith(("HORARIUM_", "CELERY_", "FLOWER_", "BROKER_")):
            monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Start it in this process: what would be served is asked directly, and nobody waits for its end."""
    served: dict[str, Any] = {}

    def take(application: Any, place: Any, **options: Any) -> int:
        served.update(application=application, options=options, port=place.getsockname()[1])
        place.close()
        return 0

    monkeypatch.setattr(serving, "serve", take)

    def run(*words: str, **environment: str) -> tuple[Result, TestClient, dict[str, Any]]:
        result = CliRunner().invoke(root, [*words], env=environment)
        assert result.exit_code == 0, result.output
        return result, TestClient(served["application"], base_url="http://127.0.0.1"), served

    return run


def test_without_an_app_it_looks_at_the_store_of_the_broker_row_113(empty: Path) -> None:
    """As a container starts it: no -A, no file that makes an app; and in drop-in mode."""
    store = f"sqlite:///{empty}/shop.db"
    words = ["celery", f"--broker={store}", "flower", *OURS, "--basic-auth=ana:secret", "--persistent"]
    words.append("--allow-unregistered")  # nobody knows a task here
    with (empty / "log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "horarium", *words],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", (empty / "log").read_text())):
            assert process.poll() is None and time.monotonic() < deadline, (empty / "log").read_text()
            time.sleep(0.05)  # between two looks at a fact of another process
        with httpx.Client(base_url=found[0], auth=("ana", "secret"), timeout=PATIENCE) as client:
            assert client.get("/healthcheck").text == "OK"
            sent = client.post("/api/task/send-task/shop.add", json={"args": [1, 2]}).json()
            assert sent["state"] == "PENDING" and list(client.get("/api/tasks").json()) == [sent["task-id"]]
            assert b"horarium_queue_messages" in client.get("/metrics").content
        assert httpx.get(f"{found[0]}/api/tasks", timeout=PATIENCE).status_code == 401
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert "note: --persistent has no effect" in (empty / "log").read_text()


@pytest.mark.parametrize("name", ["CELERY_BROKER_URL", "BROKER_URL"])
def test_the_environment_may_name_broker_results_and_flowers_options(empty: Path, start: Started, name: str) -> None:
    environment = {name: f"sqlite:///{empty}/a.db", "CELERY_RESULT_BACKEND": f"sqlite:///{empty}/b.db"}
    flower = {"FLOWER_PORT": "0", "FLOWER_ADDRESS": "127.0.0.1", "FLOWER_URL_PREFIX": "/flower/"}
    _, client, served = start("flower", **environment, **flower, FLOWER_BASIC_AUTH="ana:a secret,bob:word")
    assert served["options"]["prefix"] == "/flower"
    assert client.get("/api/tasks", auth=("ana", "a secret")).json() == {}
    assert client.get("/api/tasks", auth=("bob", "word")).json() == {}
    assert client.get("/api/tasks", auth=("ana", "wrong")).status_code == 401
    assert (empty / "a.db").exists()


def test_neither_app_nor_broker_is_an_error_that_names_both(empty: Path) -> None:
    result = CliRunner().invoke(root, ["flower", *OURS])
    assert result.exit_code != 0 and "-A MODULE" in result.output and "--broker URL" in result.output
    wrong = CliRunner().invoke(root, ["-A", "nothing", "--broker=memory://", "flower", *OURS])
    assert wrong.exit_code != 0 and "nothing" in wrong.output


def test_an_app_that_is_there_is_served_with_its_tasks(shop: Shop, start: Started) -> None:
    _, client, _ = start("-A", shop.module, "flower", *OURS, "--basic_auth=ana:secret,bob:word")
    assert "shop.charge" in client.get("/api/task/types", auth=("bob", "word")).json()["task-types"]


def test_without_passwords_people_log_in_by_token_or_link(shop: Shop, start: Started) -> None:
    result, client, _ = start("-A", shop.module, "flower", *OURS)
    assert "/login?link=" in result.output
    assert client.get("/api/tasks").status_code == 401


def test_read_only_lets_nobody_change_anything(shop: Shop, start: Started) -> None:
    _, client, _ = start("-A", shop.module, "flower", *OURS, "--basic-auth=ana:secret", "--read-only")
    client.auth = ("ana", "secret")  # type: ignore[assignment]  # httpx takes a pair
    assert client.get("/api/tasks").status_code == 200
    assert client.post("/api/task/send-task/shop.charge", json={"args": [1]}).status_code == 403


def test_flowers_file_of_settings_is_read_and_the_command_line_goes_first(empty: Path, start: Started) -> None:
    (empty / "flowerconfig.py").write_text(
        'port = 0\naddress = "127.0.0.1"\nbasic_auth = ["ana:secret"]\nurl_prefix = "one"\nunknown = object()\n'
    )
    _, client, served = start("--broker=memory://", "flower", "--url-prefix=two")
    assert served["options"]["prefix"] == "/two"
    assert client.get("/api/tasks", auth=("ana", "secret")).status_code == 200
    (empty / "other.py").write_text("port = 1 / 0\n")
    for file, word in (("other.py", "ZeroDivisionError"), ("none.py", "no such file")):
        result = CliRunner().invoke(root, ["--broker=memory://", "flower", f"--conf={file}"])
        assert result.exit_code == 64 and word in result.output


def test_a_function_of_the_file_that_hides_what_pages_show_is_refused_and_not_passed_over(empty: Path) -> None:
    (empty / "flowerconfig.py").write_text("def format_task(task):\n    task.args = 'hidden'\n    return task\n")
    result = CliRunner().invoke(root, ["--broker=memory://", "flower", *OURS])
    assert result.exit_code == 4 and "format_task in flowerconfig.py" in result.output
    assert "redact=" in result.output


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_would_serve_otherwise_than_is_meant_is_refused(empty: Path, name: str) -> None:
    flag = f"--{name.replace('_', '-')}=x"
    result = CliRunner().invoke(root, ["--broker=memory://", "flower", *OURS, flag])
    assert result.exit_code == 4 and REFUSED[name] in result.output


def test_what_has_no_effect_is_told_once_each(empty: Path, start: Started) -> None:
    words = [name.split("/")[0] + ("=1" if each.takes_value else "") for each in LEFTOVERS for name in each.names[:1]]
    result, _, _ = start("--broker=memory://", "flower", *OURS, *words)
    assert result.output.count("has no effect") == len(LEFTOVERS)
