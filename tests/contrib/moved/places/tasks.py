"""The project's tasks."""

import os
from pathlib import Path

from celery import shared_task


@shared_task
def refresh(number: int) -> int:
    if "MOVED_PROOF" in os.environ:
        with Path(os.environ["MOVED_PROOF"]).open("a") as proof:
            proof.write(f"{number}\n")
    return number
