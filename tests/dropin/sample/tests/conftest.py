"""The worker and the scheduler run already, as they do in production; see ../README.md."""

import pytest


@pytest.fixture(scope="session")
def app():
    from sample import celery_app

    celery_app.loader.import_default_modules()
    return celery_app
