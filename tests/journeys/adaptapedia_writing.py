"""What is written into the files and shells of Adaptapedia, on the way through its guide."""

CLEAN_UP_TOKENS = """
from datetime import timedelta
from django.core.management import call_command
from django.utils import timezone
from ingestion.tasks import cleanup_expired_jwt_tokens
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken
for days in (31, 1, -1):
    RefreshToken.for_user(ana)
    OutstandingToken.objects.filter(pk=OutstandingToken.objects.latest("pk").pk).update(
        expires_at=timezone.now() - timedelta(days=days)
    )
print(cleanup_expired_jwt_tokens(), 3 - OutstandingToken.objects.count())
call_command("flushexpiredtokens")
print(3 - OutstandingToken.objects.count())
"""

NEW_TASK = """\
@shared_task
def my_new_task() -> str:
    return "done"


"""

NEW_ENTRY = """
    "my-scheduled-task": {
        "task": "ingestion.tasks.my_new_task",
        "schedule": crontab(hour=6, minute=30),
    },"""

ALERTS = """CELERY_ALERTS = {
    "channels": {"pager": {"type": "webhook", "url": os.environ["PAGER_URL"], "allow_private": True}},
    "every": 0.5,
    "wait": 0.5,
}
"""

OWN_COMMAND = """
from django.conf import settings
from django.core.management.base import BaseCommand
from horarium.contrib.django.beat.models import CrontabSchedule, PeriodicTask


class Command(BaseCommand):
    def handle(self, *args, **options):
        for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
            when = entry["schedule"]
            crontab, _ = CrontabSchedule.objects.get_or_create(
                minute=when._orig_minute,
                hour=when._orig_hour,
                day_of_week=when._orig_day_of_week,
                day_of_month=when._orig_day_of_month,
                month_of_year=when._orig_month_of_year,
            )
            PeriodicTask.objects.update_or_create(name=name, defaults={"task": entry["task"], "crontab": crontab})
        self.stdout.write(f"Successfully synced {len(settings.CELERY_BEAT_SCHEDULE)} periodic tasks")
"""
