"""The tables of results: a row per run and per saved group. Written by workers, read by whoever likes.

The store remains what Horarium itself goes by: nothing it does depends on what stands here.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from horarium.app.current import current_app
from horarium.app.result_set import result_from_tuple
from horarium.contrib.django.results.managers import GroupResultManager, TaskResultManager

ID_LENGTH = getattr(settings, "DJANGO_CELERY_RESULTS_TASK_ID_MAX_LENGTH", 255)


class TaskResult(models.Model):
    """What became of a run, as JSON in text columns."""

    task_id = models.CharField(
        max_length=ID_LENGTH, unique=True, verbose_name=_("Task ID"), help_text=_("The id that the call has returned.")
    )
    periodic_task_name = models.CharField(
        max_length=255,
        null=True,
        verbose_name=_("Periodic Task Name"),
        help_text=_("The schedule that has sent it, if one has."),
    )
    task_name = models.CharField(
        max_length=ID_LENGTH, null=True, verbose_name=_("Task Name"), help_text=_("The name of the task.")
    )
    task_args = models.TextField(
        null=True, verbose_name=_("Positional Arguments"), help_text=_("As Python shows them, in a JSON text.")
    )
    task_kwargs = models.TextField(
        null=True, verbose_name=_("Keyword Arguments"), help_text=_("As Python shows them, in a JSON text.")
    )
    status = models.CharField(
        max_length=50, default="PENDING", verbose_name=_("State"), help_text=_("Its state, in Celery's words.")
    )
    worker = models.CharField(
        max_length=100, null=True, default=None, verbose_name=_("Worker"), help_text=_("The worker that has run it.")
    )
    content_type = models.CharField(
        max_length=128, verbose_name=_("Content Type"), help_text=_("How result and meta are written.")
    )
    content_encoding = models.CharField(
        max_length=64, verbose_name=_("Content Encoding"), help_text=_("The encoding of result and meta.")
    )
    result = models.TextField(
        null=True,
        default=None,
        editable=False,
        verbose_name=_("Result"),
        help_text=_("What it has returned, or its exception, as JSON."),
    )
    date_created = models.DateTimeField(
        auto_now_add=True, verbose_name=_("Created"), help_text=_("When this row was written first.")
    )
    date_started = models.DateTimeField(
        null=True, default=None, verbose_name=_("Started"), help_text=_("When a worker has started it last.")
    )
    date_done = models.DateTimeField(
        auto_now=True, verbose_name=_("Done"), help_text=_("When it came to the state that it is in.")
    )
    traceback = models.TextField(
        blank=True, null=True, verbose_name=_("Traceback"), help_text=_("Where its exception was raised.")
    )
    meta = models.TextField(
        null=True,
        default=None,
        editable=False,
        verbose_name=_("Meta"),
        help_text=_("What else is known, as JSON: the runs that it has sent."),
    )

    objects = TaskResultManager()

    class Meta:
        ordering = ("-date_done",)
        verbose_name = _("task result")
        verbose_name_plural = _("task results")
        indexes = (
            models.Index(fields=["task_name"], name="django_cele_task_na_08aec9_idx"),
            models.Index(fields=["status"], name="django_cele_status_9b6201_idx"),
            models.Index(fields=["worker"], name="django_cele_worker_d54dd8_idx"),
            models.Index(fields=["date_created"], name="django_cele_date_cr_f04a50_idx"),
            models.Index(fields=["date_done"], name="django_cele_date_do_f59aad_idx"),
            models.Index(fields=["periodic_task_name"], name="django_cele_periodi_1993cf_idx"),
        )

    def __str__(self) -> str:
        return f"<Task: {self.task_id} ({self.status})>"

    def as_dict(self) -> dict[str, Any]:
        """Return the columns that tell of the run; result and meta are the texts that they are."""
        names = "task_id task_name task_args task_kwargs status result date_done traceback meta worker".split()
        return {name: getattr(self, name) for name in names}


class ChordCounter(models.Model):
    """How much of a chord's header was still to come, in Celery. Nothing is written here: the store counts."""

    group_id = models.CharField(
        max_length=ID_LENGTH, unique=True, verbose_name=_("Group ID"), help_text=_("The id of the chord's header.")
    )
    sub_tasks = models.TextField(help_text=_("The results of the header, as a JSON list of tuples."))
    count = models.PositiveIntegerField(help_text=_("How many of them have not ended."))

    def __str__(self) -> str:
        return f"<Chord: {self.group_id} ({self.count} to come)>"

    def group_result(self, app: Any = None) -> Any:
        """Return the results of the header; see horarium's GroupResult."""
        app = app or current_app()
        members = [result_from_tuple(each, app=app) for each in json.loads(self.sub_tasks)]
        return app.GroupResult(self.group_id, members)


class GroupResult(models.Model):
    """The ids of a group's runs, as ``save()`` of its result has kept them."""

    group_id = models.CharField(
        max_length=ID_LENGTH, unique=True, verbose_name=_("Group ID"), help_text=_("The id of the group.")
    )
    date_created = models.DateTimeField(
        auto_now_add=True, verbose_name=_("Created"), help_text=_("When it was saved first.")
    )
    date_done = models.DateTimeField(auto_now=True, verbose_name=_("Done"), help_text=_("When it was saved last."))
    content_type = models.CharField(
        max_length=128, verbose_name=_("Content Type"), help_text=_("How result is written.")
    )
    content_encoding = models.CharField(
        max_length=64, verbose_name=_("Content Encoding"), help_text=_("The encoding of result.")
    )
    result = models.TextField(
        null=True,
        default=None,
        editable=False,
        verbose_name=_("Result"),
        help_text=_("The ids of its runs, as JSON: ((id, parent), members)."),
    )

    objects = GroupResultManager()

    class Meta:
        ordering = ("-date_done",)
        verbose_name = _("group result")
        verbose_name_plural = _("group results")
        indexes = (
            models.Index(fields=["date_created"], name="django_cele_date_cr_bd6c1d_idx"),
            models.Index(fields=["date_done"], name="django_cele_date_do_caae0e_idx"),
        )

    def __str__(self) -> str:
        return f"<Group: {self.group_id}>"

    def as_dict(self) -> dict[str, Any]:
        """Return the columns that tell of the group; result is the text that it is."""
        return {"group_id": self.group_id, "result": self.result, "date_done": self.date_done}
