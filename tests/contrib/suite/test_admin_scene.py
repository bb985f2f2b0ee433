"""The scene for pictures is made as it says."""

import pytest
from admin_scene import make_scene

from horarium.app.current import current_app
from horarium.schedules.health import health

pytestmark = pytest.mark.django_db


def test_a_scene_has_schedules_in_every_state() -> None:
    make_scene()
    app = current_app()
    now = app.engine.now()
    found = {each.name: health(each, now).condition.value for each in app.schedules.find()}
    assert found == {
        "nightly import": "ok",
        "purge carts": "ok",
        "weekly report": "ok",
        "charge cards": "failing",
        "sync stock": "late",
        "close the month": "paused",
        "old newsletter": "disabled",
        "sunrise photo": "ok",
        "launch mail": "never ran",
    }
