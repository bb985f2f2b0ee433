"""What ``make run EXAMPLE=validibot`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from outside.container_engine import Engine, serving

from live.shows import Show, django_app

ENGINE = Engine(nth=3)


@contextmanager
def engine(folder: Path) -> Iterator[Mapping[str, str]]:
    with serving(ENGINE) as url:
        yield {"DOCKER_HOST": url, "APP_ROLE": "live"}


def facts() -> Mapping[str, str]:
    from validibot.core.models import Output, PurgeRetry, Submission, ValidationRun

    containers, volumes = ENGINE.counts()
    purged = Submission.objects.exclude(purged_at=None).count()
    return {
        "submissions": f"{Submission.objects.count()}, {purged} of them purged",
        "outputs purged": str(Output.objects.exclude(purged_at=None).count()),
        "purges to be retried": str(PurgeRetry.objects.count()),
        "runs that got stuck": str(ValidationRun.objects.filter(state=ValidationRun.State.FAILED).count()),
        "the engine has": f"{containers} containers, {volumes} volumes",
    }


SHOW = Show(
    name="validibot",
    app="config",
    load=django_app("config"),
    facts=facts,
    outside=engine,
    prepare=(("manage.py", "migrate", "-v0"), ("manage.py", "demo")),
    worker=("-B", "-c", "2"),
    site=("-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "4"),
    hint="the container engine refuses, fails and is silent now and then; the site is Django's admin",
)
