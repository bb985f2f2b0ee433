"""What ``make run EXAMPLE=labcontrol`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from outside.mail_server import ACCEPTED, LATER, NO_MAILBOX, Mailboxes, mail_server

from live.shows import Show, django_app

MAILBOXES = Mailboxes()


@contextmanager
def mail(folder: Path) -> Iterator[Mapping[str, str]]:
    with mail_server(MAILBOXES) as port:
        yield {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(port)}


def facts() -> Mapping[str, str]:
    from apps.appointments.models import Appointment
    from apps.notifications.models import Notification

    reminded = Appointment.objects.exclude(reminded=None).count()
    answers = MAILBOXES.answers
    return {
        "appointments": f"{Appointment.objects.count()}, {reminded} reminded of",
        "notifications": f"{Notification.objects.count()}, {Notification.objects.filter(read=True).count()} read",
        "mails": f"{answers[ACCEPTED]} delivered, {answers[LATER]} put off, {answers[NO_MAILBOX]} refused",
    }


SHOW = Show(
    name="labcontrol",
    app="config",
    load=django_app("config"),
    facts=facts,
    outside=mail,
    prepare=(("manage.py", "migrate", "-v", "0"), ("manage.py", "fill_laboratory")),
    site=("manage.py", "runserver", "--noreload", "127.0.0.1:{port}"),
    hint="the mail server puts off every fourth mail, and has no mailbox for one of the people; admin at /admin/",
)
