"""Views that enqueue tasks of Django 6.0 and tell what became of them: a site of its own, see shop/task_settings.py."""

from django.http import JsonResponse
from django.tasks import default_task_backend
from django.urls import path

from shop import background


def add(request, one, two):
    return JsonResponse({"id": background.add.enqueue(one, two).id})


async def add_in_a_coroutine(request, one, two):
    result = await background.add_in_a_coroutine.aenqueue(one, two=two)
    return JsonResponse({"id": result.id})


def enqueue(request, name):
    """Enqueue any task, with the texts of the query as its arguments."""
    return JsonResponse({"id": getattr(background, name).enqueue(**request.GET.dict()).id})


def result(request, id):
    return JsonResponse(told(default_task_backend.get_result(id)))


async def result_in_a_coroutine(request, id):
    return JsonResponse(told(await default_task_backend.aget_result(id)))


def told(result):
    return {
        "status": result.status,
        "value": result.return_value if result.status == "SUCCESSFUL" else None,
        "attempts": result.attempts,
        "workers": result.worker_ids,
        "errors": [[error.exception_class_path, error.traceback] for error in result.errors],
        "times": [bool(each) for each in (result.enqueued_at, result.started_at, result.finished_at)],
    }


urlpatterns = [
    path("add/<int:one>/<int:two>", add),
    path("async/add/<int:one>/<int:two>", add_in_a_coroutine),
    path("enqueue/<str:name>", enqueue),
    path("result/<str:id>", result),
    path("async/result/<str:id>", result_in_a_coroutine),
]
