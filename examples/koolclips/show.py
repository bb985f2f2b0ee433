"""What ``make run EXAMPLE=koolclips`` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from outside.cube_server import cube_server

from live.shows import Show, django_app


@contextmanager
def store(folder: Path) -> Iterator[Mapping[str, str]]:
    with cube_server() as url:
        yield {"CLOUDCUBE_URL": url}


def facts() -> Mapping[str, str]:
    from botocore.exceptions import ClientError
    from viral_clips.cube import Cube

    with suppress(ClientError):  # the store has its moods with us, too: then what it said last stands
        clips = list(Cube.opened().clips())
        megabytes = sum(clip.size for clip in clips) / 1_000_000
        _known.update({"clips kept": f"{len(clips)}, {megabytes:.1f} MB"})
    return dict(_known)


_known: dict[str, str] = {}

SHOW = Show(
    name="koolclips",
    app="config",
    load=django_app("config"),
    facts=facts,
    outside=store,
    site=("-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:{port}", "--workers", "1", "--threads", "4"),
    hint="the object store refuses every third listing and upload; POST to the site has a clip rendered",
)
