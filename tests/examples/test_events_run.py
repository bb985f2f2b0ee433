"""The example as its users run it: tasks by their names, and the whole of it started and stopped.

In processes of their own: an app that is imported here would be the current app of every test after it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from app.site.server import EventSite
from app.sources import sources_of
from app.store import open_store
from watching import missing, watch

EVENTS = Path(__file__).parents[2] / "examples" / "events"
PATIENCE = 60  # seconds; a wait ends as soon as its fact is there


@pytest.fixture
def site(tmp_path: Path) -> Iterator[EventSite]:
    with EventSite(datetime.now(UTC).date(), silence=2.0) as site, open_store(tmp_path / "events.db") as store:
        store.register_sources(sources_of(site.url))
        yield site


def inline(folder: Path, call: str) -> dict[str, Any]:
    """Run a task of the example inline, in a process of its own; return its state and value."""
    program = (
        "import json; from app import tasks\n"
        f"result = tasks.{call}\n"
        "value = result.result if result.state == 'SUCCESS' else repr(result.result)\n"
        "print(json.dumps({'state': result.state, 'value': value}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=EVENTS,
        env=surroundings(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def surroundings(folder: Path) -> dict[str, str]:
    return {**os.environ, "EVENTS_RUN": str(folder), "EVENTS_DEMO": "1"}


def stored(folder: Path) -> int:
    with open_store(folder / "events.db") as store:
        return store.count_events()


def start(folder: Path, *choices: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "live", "events", "--web-port", "0", "--run-folder", str(folder), *choices],
        cwd=EVENTS.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_van_wezel_is_scraped_with_the_arguments_of_the_guide(tmp_path: Path, site: EventSite) -> None:
    answer = inline(tmp_path, "scrape_vanwezel.apply(kwargs={'source_id': 1, 'delay': 0})")
    assert answer["state"] == "SUCCESS"
    assert answer["value"]["status"] == "success"
    assert answer["value"]["items_scraped"] == answer["value"]["new"] == stored(tmp_path)


def test_feeds_that_were_discovered_are_ingested(tmp_path: Path, site: EventSite) -> None:
    assert inline(tmp_path, "ingest_source.apply((2,))")["value"]["feeds_read"] == 0
    assert inline(tmp_path, "scrape_mote.apply((2,), {'months_ahead': 2})")["value"]["feeds_new"] == 4
    assert inline(tmp_path, "ingest_source.apply((2,), {'limit': 5})")["value"]["items_ingested"] == 5
    assert stored(tmp_path) == 5


def test_a_source_that_is_down_now_and_then_is_tried_again(tmp_path: Path, site: EventSite) -> None:
    answer = inline(tmp_path, "ingest_source.apply((3,))")
    assert answer["state"] == "SUCCESS"
    assert site.requests["/community/events.ics"] == 3  # an error, silence, an answer


def test_an_unknown_source_fails_at_once(tmp_path: Path, site: EventSite) -> None:
    answer = inline(tmp_path, "ingest_source.apply((99,))")
    assert answer["state"] == "FAILURE"
    assert "known are 1, 2, 3, 4" in answer["value"]


@pytest.mark.timeout(2 * PATIENCE)
def test_the_whole_fires_fails_retries_and_succeeds(tmp_path: Path) -> None:
    shown = watch("events", tmp_path)
    assert missing(shown) == [], shown
    assert stored(tmp_path) > 80, shown
    for fired in ("[scrape-vanwezel]", "[scrape-mote]", "[ingest-all-sources]"):
        assert fired in shown
    assert "attempt 3" in shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_of_it_and_the_exit_code_is_0(tmp_path: Path, number: signal.Signals) -> None:
    run = start(tmp_path)
    try:
        wait_until_stored(tmp_path, run)
        family = psutil.Process(run.pid).children(recursive=True)
        assert family
        run.send_signal(number)
        said, _ = run.communicate(timeout=PATIENCE)
    finally:
        run.kill()
    assert run.returncode == 0, said
    assert not [process for process in family if process.is_running()]


def wait_until_stored(folder: Path, run: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while stored(folder) == 0:
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline, "nothing was stored in time"
        time.sleep(0.1)  # between two looks at the fact that we wait for
