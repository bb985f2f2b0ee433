"""The app, as Celery's own guide lays it out."""

from celery import Celery
from celery.schedules import crontab

app = Celery("sample", include=["sample.signals"])
app.config_from_object("sample.settings")
app.autodiscover_tasks(["sample"])


@app.on_after_configure.connect
def setup_periodic_tasks(sender, **kwargs):
    from sample.tasks import note

    sender.add_periodic_task(1.0, note.s("from add_periodic_task"), name="note every second")
    sender.add_periodic_task(crontab(hour=7, minute=30, day_of_week="mon-fri"), note.s("good morning"), name="morning")
