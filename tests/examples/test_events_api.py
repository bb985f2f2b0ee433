"""The example's API as a front-end uses it: a real server, with worker and scheduler in it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import httpx
import psutil
from app.site.server import EventSite
from app.sources import sources_of
from app.store import open_store

EVENTS = Path(__file__).parents[2] / "examples" / "events"
PATIENCE = 60.0
ADDRESS = re.compile(r"running on (http://127\.0\.0\.1:\d+)")

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str) -> T:
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come about"
        time.sleep(0.05)  # between two looks at the fact that we wait for
    return found


def test_a_visit_on_demand_is_followed_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    with EventSite(datetime.now(UTC).date(), silence=2.0) as site, log.open("wb") as out:
        with open_store(tmp_path / "events.db") as store:
            store.register_sources(sources_of(site.url))
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "app.api:api", "--host", "127.0.0.1", "--port", "0"],
            cwd=EVENTS,
            env={**os.environ, "EVENTS_RUN": str(tmp_path), "EVENTS_DEMO": "0", "EVENTS_EMBEDDED": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            found = eventually(lambda: ADDRESS.search(log.read_text()) or server.poll() is not None, "an address")
            assert not isinstance(found, bool), log.read_text()
            with httpx.Client(base_url=found[1], timeout=PATIENCE, trust_env=False) as client:
                assert client.post("/sources/99/visits").status_code == 404
                where = client.post("/sources/4/visits").headers["location"]
                assert "event: end" in client.get(f"{where}/events").text
                visit = client.get(where).json()
                assert (visit["task"], visit["state"]) == ("app.tasks.ingest_source", "SUCCESS")
                assert visit["result"]["items_ingested"] > 0
                assert len(client.get("/events", params={"limit": 3}).json()) == 3
            family = psutil.Process(server.pid).children(recursive=True)
            server.send_signal(signal.SIGTERM)
            server.wait(PATIENCE)
        finally:
            server.kill()
    assert family
    assert not [process for process in family if process.is_running()]
