"""``manage.py fill_laboratory``: people and two studies, so that there is something to work on."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand

from apps.studies.models import Study

PEOPLE = ("ada", "grace", "lise", "gone")  # the mail server has no mailbox for the last one
STUDIES = {"Melting points": 200, "Spectra of a year": 60_000}  # readings


class Command(BaseCommand):
    """Idempotent: what is there is left as it is."""

    help = "Make people, studies and their files for this example."

    def handle(self, *args: Any, **options: Any) -> None:
        for name in PEOPLE:
            User.objects.get_or_create(username=name, defaults={"email": f"{name}@people.example"})
        settings.STUDY_FILES.mkdir(parents=True, exist_ok=True)
        for title, number in STUDIES.items():
            study, _ = Study.objects.get_or_create(title=title, defaults={"file": f"{title.split()[0].lower()}.csv"})
            if not study.path.exists():
                lines = (f"{sample},{sample % 97 / 10}\n" for sample in range(number))
                study.path.write_text("sample,value\n" + "".join(lines))
        self.stdout.write(f"{User.objects.count()} people, {Study.objects.count()} studies")
