"""What RQ's scheduler looks after while it idles."""
# mypy: disable-error-code="import-not-found,import-untyped"

from __future__ import annotations

from rq import cron

from bench.apps.rq_app import NAME, noop

cron.register(noop, queue_name=NAME, cron="0 3 * * *")
