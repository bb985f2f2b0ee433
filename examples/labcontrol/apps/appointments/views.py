"""Appointments over HTTP: booked at once, confirmed by mail soon after."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from apps.appointments.models import Appointment
from apps.notifications.tasks import send_email_notification


@csrf_exempt  # an endpoint without cookies
@require_http_methods(["GET", "POST"])
def appointments(request: HttpRequest) -> JsonResponse:
    """List what is to come; POST ``user`` and ``starts`` (ISO 8601) books, and answers before the mail is sent."""
    if request.method == "GET":
        coming = Appointment.objects.filter(starts__gt=timezone.now()).order_by("starts")[:100]
        return JsonResponse({"appointments": [str(each) for each in coming.select_related("user")]})
    try:
        starts = datetime.fromisoformat(request.POST.get("starts", ""))
    except ValueError:
        return JsonResponse({"error": "expected starts as in 2030-01-31T09:00+00:00"}, status=400)
    if starts.tzinfo is None:
        return JsonResponse({"error": "expected starts with its zone, as in 2030-01-31T09:00+00:00"}, status=400)
    with transaction.atomic():
        user = get_object_or_404(User, username=request.POST.get("user", ""))
        appointment = Appointment.objects.create(user=user, starts=starts)
        run = send_email_notification.delay_on_commit(user.pk, "Booked", f"We have noted: {appointment}.")
    return JsonResponse({"appointment": appointment.pk, "run": run.id}, status=202)
