"""What browsers ask of runs and saved groups, answered in django-celery-results' JSON.

The store is asked; of an id that it does not know, the table. States are told in Celery's words. Who may ask is for the
project to say: wrap the views, or the include, in what checks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, JsonResponse

from horarium import codec
from horarium.app.current import current_app
from horarium.app.result_set import GroupResult
from horarium.contrib.django.results import forms
from horarium.contrib.django.results.models import TaskResult
from horarium.errors import CodecError
from horarium.outcome import ErrorRecord, Run


class Encoder(DjangoJSONEncoder):
    """What JSON has no word for is shown as Python shows it: a poll must not fail for it."""

    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return repr(o)


def is_task_successful(request: HttpRequest, task_id: str) -> JsonResponse:
    """Answer whether a run has succeeded."""
    return _answer({"task": {"id": task_id, "executed": _told(task_id)["status"] == "SUCCESS"}})


def task_status(request: HttpRequest, task_id: str) -> JsonResponse:
    """Answer a run's state and result; where it has raised, also the class and the traceback."""
    return _answer({"task": {"id": task_id, **_told(task_id)}})


def is_group_successful(request: HttpRequest, group_id: str) -> JsonResponse:
    """Answer of each run of a saved group whether it has succeeded; of none, if no such group is known."""
    told = [{"id": id, "executed": known["status"] == "SUCCESS"} for id, known in _members(group_id)]
    return _answer({"group": {"id": group_id, "results": told}})


def group_status(request: HttpRequest, group_id: str) -> JsonResponse:
    """Answer the state and result of each run of a saved group."""
    told = [{"result": known["result"], "status": known["status"]} for _, known in _members(group_id)]
    return _answer({"group": {"id": group_id, "results": told}})


def _answer(told: dict[str, Any]) -> JsonResponse:
    return JsonResponse(told, encoder=Encoder)


def _members(group_id: str) -> list[tuple[str, dict[str, Any]]]:
    group = GroupResult.restore(group_id, app=current_app())
    return _told_all([each.id for each in group.results]) if group is not None else []


def _told(task_id: str) -> dict[str, Any]:
    [(_id, told)] = _told_all([task_id])
    return told


def _told_all(ids: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return what is told of each, in one look at the store: a page may poll for a group of thousands."""
    runs = current_app().connection.engine.results.read(ids)
    return [
        (id, _of_run(run) if run is not None else _of_row(TaskResult.objects.get_task(id)))
        for id, run in zip(ids, runs, strict=True)
    ]


def _of_run(run: Run) -> dict[str, Any]:
    status = forms.status_of(run)
    if run.error is None or status not in forms.RAISED:
        raw = run.result if run.has_ended else run.meta
        return {"status": status, "result": codec.decode(raw) if raw is not None else None}
    trace = forms.traceback_of(run)
    return {"status": status, "result": _shown(run.error), "exc": run.error.class_path, "traceback": trace}


def _shown(error: ErrorRecord) -> str:
    try:
        args = codec.decode(error.args)
    except CodecError:
        args = [error.text]
    return f"{error.class_path.rpartition('.')[2]}({', '.join(map(repr, args))})"


def _of_row(row: TaskResult) -> dict[str, Any]:
    value = forms.read(row.result)
    if row.status not in forms.RAISED or not isinstance(value, dict) or "exc_type" not in value:
        return {"status": row.status, "result": value}
    args = value.get("exc_message")
    shown = ", ".join(map(repr, args if isinstance(args, list) else [args]))
    kind = f"{value.get('exc_module') or 'builtins'}.{value['exc_type']}"
    return {
        "status": row.status,
        "result": f"{value['exc_type']}({shown})",
        "exc": kind,
        "traceback": row.traceback,
    }
