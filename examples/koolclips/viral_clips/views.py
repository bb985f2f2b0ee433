"""The one page: what is in the store, and clips on demand."""

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from viral_clips.cube import Cube
from viral_clips.tasks import render_clip


@csrf_exempt  # a JSON endpoint without cookies
@require_http_methods(["GET", "POST"])
def clips(request: HttpRequest) -> JsonResponse:
    """List the clips; POST has one rendered, and answers before it is."""
    if request.method == "POST":
        return JsonResponse({"run": render_clip.delay().id}, status=202)
    return JsonResponse({"clips": [clip.key for clip in Cube.opened().clips()]})
