"""What the five guides tell people to type, line by line as they print it, with the essence of what must come of it.

A line is the guide's own (``000:133`` is line 133 of the first one) without what goes before it on other machines:
``docker compose exec celery-worker``. ``<task-id>`` stands for the id that the last ``call`` has printed.
"""

from __future__ import annotations

from typing import NamedTuple

import guide_projects as projects


class Line(NamedTuple):
    """A command, what its output must hold, and its exit code (None: any but 0)."""

    where: str
    command: str
    says: tuple[str, ...] = ()
    code: int | None = 0
    awaited: bool = False  # typed again until it says so


class Guide(NamedTuple):
    """A project, how its processes are started, what is typed then, and what the log of each process must hold."""

    files: dict[str, str]
    start: tuple[str, ...]
    lines: tuple[Line, ...]
    logs: tuple[tuple[str, ...], ...]


ID = "-"  # every id that is printed has some of these
DATABASE = "--scheduler django_celery_beat.schedulers:DatabaseScheduler"

GUIDES = {
    "000": Guide(
        projects.ADAPTAPEDIA,
        ("celery -A adaptapedia worker --loglevel=info", f"celery -A adaptapedia beat --loglevel=info {DATABASE}"),
        (
            Line("000:65", "python manage.py migrate", ("Applying django_celery_beat.0001_initial... OK",)),
            Line("000:73", "python manage.py setup_periodic_tasks", ("2 ",)),
            Line("000:90", "celery -A adaptapedia schedules list", ("daily-wikidata-ingestion",), awaited=True),
            Line(
                "000:340",
                "python manage.py shell -c 'from django_celery_beat.models import PeriodicTask\n"
                'task = PeriodicTask.objects.get(name="daily-wikidata-ingestion")\n'
                "task.enabled = False\n"
                "task.save()'",
            ),
            Line("000:341", "celery -A adaptapedia schedules list", ("disabled",), awaited=True),
            Line("000:139", "celery -A adaptapedia call ingestion.tasks.update_site_statistics", (ID,)),
            Line(
                "000:165",
                "python manage.py shell -c 'from django.core.cache import cache\n"
                'print(cache.get("site_statistics"))\'',
                ("{'users': 0}",),
                awaited=True,
            ),
            Line("000:133", "celery -A adaptapedia inspect scheduled", ("schedules list",)),
            Line("000:136", "celery -A adaptapedia inspect active"),
            Line("000:139", "celery -A adaptapedia call ingestion.tasks.health_check", (ID,)),
            Line(
                "000:103",
                "python -c 'import adaptapedia\n"
                "from ingestion.tasks import run_daily_wikidata_ingestion\n"
                "result = run_daily_wikidata_ingestion()\n"
                "print(result)\n"
                "from ingestion.tasks import refresh_tmdb_metadata\n"
                "async_result = refresh_tmdb_metadata.delay()\n"
                "print(async_result.get())'",
                ("{'created': 3}", "{'refreshed': 100}"),
            ),
            Line("000:235", "celery -A adaptapedia call ingestion.tasks.my_task", (ID,)),
        ),
        (
            ("ready.", "Task ingestion.tasks.health_check[", "] retry: Retry in 3600s"),
            (
                "beat v",
                " is starting",
                "python manage.py migrate django_celery_beat",
                "DatabaseScheduler: Schedule changed.",
            ),
        ),
    ),
    "001": Guide(
        projects.VALIDIBOT,
        ("celery -A config worker --loglevel=info", f"celery -A config beat --loglevel=info {DATABASE}"),
        (
            Line("001:36", "python manage.py migrate", ("Applying validibot.0001_schedules... OK",)),
            Line("001:154", "celery -A config inspect ping", ("pong",)),
            Line("", "celery -A config call validibot.hang", (ID,)),  # until the file `enough` is there
            Line("001:157", "celery -A config inspect active", ("validibot.hang",), awaited=True),
            Line("001:96", "celery -A config runs list --state STARTED", ("validibot.hang",)),
            Line("", 'python -c \'open("enough", "w").close()\''),
            Line("001:294", "celery -A config inspect reserved"),
            Line(
                "001:244",
                "python -c 'import config\n"
                "from validibot.tasks import purge_expired_submissions\n"
                "print(purge_expired_submissions.delay())'",
                (ID,),
            ),
            Line(
                "001:253",
                "python -c 'import config\n"
                "config.celery_app.conf.task_always_eager = True\n"
                "from validibot.tasks import purge_expired_submissions\n"
                "result = purge_expired_submissions()\n"
                'assert result["status"] == "completed"\'',
            ),
        ),
        (
            ("INFO/MainProcess] ", " ready.", "Task validibot.purge_expired_submissions[", "] received", "Purging as "),
            ("beat v", " is starting", "Sending due task Purge expired submissions"),
        ),
    ),
    "002": Guide(
        projects.KOOLCLIPS,
        ("celery -A config worker --beat --loglevel=info",),
        (
            Line(
                "002:171",
                "python -c 'import config\n"
                "from viral_clips.tasks import scheduled_cloudcube_cleanup\n"
                "result = scheduled_cloudcube_cleanup.delay(retention_days=5)\n"
                "print(result.id)'",
                (ID,),
            ),
        ),
        (
            (
                "beat: Starting...",
                "Scheduler: Sending due task every-second",
                "Task viral_clips.tasks.scheduled_cloudcube_cleanup[",
                "] received",
                "Starting scheduled Cloudcube cleanup (retention: 5 days)",
                "Starting scheduled Cloudcube cleanup (retention: 7 days)",
            ),
        ),
    ),
    "003": Guide(
        projects.SCRAPERS,
        (
            "celery -A app.celery_app worker --loglevel=DEBUG --concurrency=2",
            "celery -A app.celery_app beat --loglevel=info",
        ),
        (
            Line("003:361", "celery -A app.celery_app inspect active"),
            Line("003:364", "celery -A app.celery_app inspect registered", ("app.tasks.scrape_vanwezel",)),
            Line("003:401", "celery -A app.celery_app call app.tasks.ingest_all_sources", (ID,)),
            Line("003:395", "celery -A app.celery_app call app.tasks.scrape_mote --kwargs='{\"source_id\": 2}'", (ID,)),
            Line("003:148", "celery -A app.celery_app call app.tasks.scrape_vanwezel --kwargs='{\"source_id\": 1}'"),
            Line(
                "003:141",
                "python -c 'from app.tasks import scrape_vanwezel; print(scrape_vanwezel.delay(source_id=1).get(30))'",
                ("{'source': 1}",),
            ),
            Line("003:367", "celery -A app.celery_app result <task-id>", ("source", "1")),
            Line(
                "003:162",
                "python -c 'from app.tasks import scrape_vanwezel, health_check\n"
                "result = scrape_vanwezel.delay(source_id=1)\n"
                'print(f"Task ID: {result.id}")\n'
                'print(f"Ready: {result.ready()}")\n'
                'print(f"Result: {result.get(timeout=300)}")\n'
                "print(health_check.delay().get(timeout=10))'",
                ("Task ID: ", "Ready: ", "Result: {'source': 1}", "{'status': 'healthy'}"),
            ),
            Line("", "celery -A app.celery_app call app.tasks.health_check --countdown=3600", (ID,)),  # to be purged
            Line("003:370", "celery -A app.celery_app purge", ("-f",), None),
        ),
        (
            ("concurrency: 2 (process)", "app.tasks.scrape_vanwezel", "succeeded in"),
            ("beat: Starting...", "2 schedules"),
        ),
    ),
    "004": Guide(
        projects.LABCONTROL,
        ("celery -A config worker --loglevel=info -Q default,heavy,notifications", f"celery -A config beat {DATABASE}"),
        (
            Line("004:56", "python manage.py migrate", ("django_celery_beat", "django_celery_results")),
            Line("004:70", "python manage.py setup_periodic_tasks", ("2 ",)),
            Line(
                "004:95",
                "python manage.py shell -c 'from django_celery_beat.models import CrontabSchedule, PeriodicTask\n"
                "schedule, _ = CrontabSchedule.objects.get_or_create(\n"
                '    minute="0", hour="9", day_of_week="*", day_of_month="*", month_of_year="*")\n'
                "PeriodicTask.objects.get_or_create(\n"
                '    name="My Task", task="apps.appointments.tasks.my_task", crontab=schedule, enabled=True)\n'
                'print(PeriodicTask.objects.filter(enabled=True).values("name", "task"))\'',
                ("My Task", "cleanup-old-notifications"),
            ),
            Line("004:266", "celery -A config inspect registered", ("apps.appointments.tasks.my_background_task",)),
            Line("004:195", "celery -A config inspect active"),
            Line(
                "004:168",
                "python -c 'import config\n"
                "from datetime import datetime, timedelta\n"
                "from apps.appointments.tasks import my_background_task\n"
                "print(my_background_task(123))\n"
                "task = my_background_task.delay(123)\n"
                "print(task.get(timeout=30), task.ready(), task.result)\n"
                "task = my_background_task.apply_async(args=[123], countdown=60)\n"
                "eta = datetime.utcnow() + timedelta(hours=1)\n"
                "task = my_background_task.apply_async(args=[123], eta=eta)\n"
                "from apps.notifications.tasks import send_bulk_notification\n"
                'print(send_bulk_notification.delay([1, 2, 3], "a", "b", "c").get(timeout=30))\'',
                ("Completed for user 123\n", "Completed for user 123 True Completed for user 123", "\n3\n"),
            ),
            Line(
                "004:227",
                "python manage.py shell -c 'from django_celery_results.models import TaskResult\n"
                'recent = TaskResult.objects.order_by("-date_created")[:10]\n'
                'print([(each.status, each.result) for each in recent], "of", len(recent))\'',
                ("('SUCCESS', '\"Completed for user 123\"')", "('SUCCESS', '3')"),
            ),
            Line("000:133", "celery -A config inspect scheduled", ("my_background_task",)),
            Line("004:429", "celery -A config purge", ("-f",), None),
        ),
        (
            (
                "ready.",
                "apps.studies.tasks.process_large_file",
                "Task apps.notifications.tasks.send_bulk_notification[",
            ),
            ("beat v", "DatabaseScheduler: Schedule changed."),
        ),
    ),
}
