"""The worker and the scheduler run already, as they do in production; see ../README.md."""

import pytest


@pytest.fixture(scope="session")
def app():
    from sample import celery_app, signals, tasks  # noqa: F401  # what a worker imports

    celery_app.finalize()
    return celery_app
