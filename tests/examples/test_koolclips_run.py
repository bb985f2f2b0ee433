"""The nightly cleaning as its users have it: the task as a function, its retries, and the whole of it.

In processes of their own: another project's settings are of no use to the tests after it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from outsides import EXAMPLES
from watching import missing, watch

KOOLCLIPS = EXAMPLES / "koolclips"
PATIENCE = 120  # seconds
PREPARE = """
import json
import django
django.setup()
from config.celery import app
from django.conf import settings
from outside.cube_server import cube_server
from viral_clips.cube import Cube
from viral_clips.tasks import render_clip, scheduled_cloudcube_cleanup, send_weekly_report

def cleaned(days, **more):
    return list(scheduled_cloudcube_cleanup(retention_days=days, **more).values())
"""


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    paths = os.pathsep.join(filter(None, [str(KOOLCLIPS), os.environ.get("PYTHONPATH")]))
    kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
    own = {"KOOLCLIPS_RUN": str(tmp_path), "KOOLCLIPS_DEMO": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
    return {**kept, **own, "PYTHONPATH": paths}


def told_by(surroundings: dict[str, str], code: str) -> Any:
    """Run code in the project; return what it has put into ``shown``."""
    done = subprocess.run(
        [sys.executable, "-c", f"{PREPARE}\nshown = {{}}\n{code}\nprint(json.dumps(shown))"],
        cwd=KOOLCLIPS,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_old_clips_go_dry_first_and_once(surroundings: dict[str, str]) -> None:
    told = told_by(
        surroundings,
        """
with cube_server(nth=0) as settings.CLOUDCUBE_URL:
    Cube.opened().put("kept.mp4", b"moving")
    names = [render_clip(name) for name in ("a.mp4", "b.mp4")]
    shown["young"] = cleaned(5)
    shown["dry"] = cleaned(0, dry_run=True)
    shown["report"] = send_weekly_report()
    shown["old"] = cleaned(0)
    shown["again"] = cleaned(0)
    shown["names"] = names
""",
    )
    assert told["names"] == ["a.mp4", "b.mp4"]
    # deleted, found, bytes, retained
    assert told["young"] == [0, 0, 0, 3]
    assert told["dry"] == [0, 3, 400_006, 0]
    assert told["report"] == "3 clips, 0.4 MB"
    assert told["old"] == [3, 3, 400_006, 0]
    assert told["again"] == [0, 0, 0, 0]


def test_a_refused_listing_is_tried_again_and_a_refused_report_fails(surroundings: dict[str, str]) -> None:
    told = told_by(
        surroundings,
        """
with cube_server(nth=2) as settings.CLOUDCUBE_URL:
    shown["report"] = send_weekly_report.apply().state
    tried = scheduled_cloudcube_cleanup.apply(kwargs={"retention_days": 5})  # refused, tried again
    shown["tried"] = tried.state, tried.result
    shown["refused"] = repr(send_weekly_report.apply().result)
""",
    )
    assert told["report"] == "SUCCESS"
    assert told["tried"] == ["SUCCESS", {"deleted": 0, "found": 0, "bytes": 0, "retained": 0}]
    assert "SlowDown" in told["refused"]


@pytest.mark.timeout(PATIENCE)
def test_the_whole_fires_fails_retries_and_succeeds(tmp_path: Path) -> None:
    shown = watch("koolclips", tmp_path)
    assert missing(shown) == [], shown
    for seen in (
        r"render_clip +SUCCESS .*\[render-clip\]",
        r"(render_clip|scheduled_cloudcube_cleanup) +RETRY .*SlowDown",
        r"scheduled_cloudcube_cleanup SUCCESS .*deleted",
        r"send_weekly_report +(SUCCESS|FAILURE .*SlowDown)",
        r"^runs: .*SUCCESS; \d+ retries",
    ):
        assert re.search(seen, shown, re.MULTILINE), f"{seen} in\n{shown}"
