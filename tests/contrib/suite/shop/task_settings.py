"""The project's settings, with the views of shop/task_urls.py in the place of its own, and a journal of ends."""

from django.dispatch import receiver
from django.tasks.signals import task_finished
from site_project.settings import *  # noqa: F403
from site_project.settings import HERE, TASKS

ROOT_URLCONF = "shop.task_urls"
CELERY_WORKER_CRASH_LIMIT = 2
TASKS["default"]["OPTIONS"]["tasks"]["shop.background.outlive_the_limit"] = {"time_limit": 0.3}


@receiver(task_finished)
def note_the_end(sender, task_result, **_):
    with (HERE / "ends").open("a") as journal:
        journal.write(f"{task_result.id} {task_result.status} {len(task_result.errors)}\n")
