"""The default queue by Celery's name, in command lines that have not been changed."""

from __future__ import annotations

import pytest

from horarium.cli.commands.worker import as_celery_reads


@pytest.mark.parametrize(
    ("listed", "default", "read"),
    [
        (("celery", "heavy"), "default", ("celery", "heavy", "default")),
        (("celery",), "celery", ("celery",)),
        (("heavy",), "default", ("heavy",)),
        ((), "default", ()),
    ],
)
def test_a_worker_that_reads_celerys_default_queue_reads_ours(
    listed: tuple[str, ...], default: str, read: tuple[str, ...]
) -> None:
    assert as_celery_reads(listed, default) == read
