"""The container engine, as the project sees it: containers of validations, and the volumes they write to.

Whatever is wrong with the engine is an EngineTrouble, which says when to ask again if the engine did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import NamedTuple

import docker
from django.conf import settings
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

API_VERSION = "1.43"
MANAGED = "org.validibot.managed"  # the label of all that is ours
RUN = "org.validibot.run"  # the label that holds the number of the validation run
DEFAULT_PAUSE = 10.0  # seconds, where the engine does not say


class EngineTrouble(Exception):
    """The engine refused, failed, or did not answer."""

    def __init__(self, text: str, retry_after: float = DEFAULT_PAUSE) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Container(NamedTuple):
    id: str
    run: int  # of which validation


class Engine:
    """A connection to the engine; close it, or use it in a ``with`` block."""

    def __init__(self, url: str, timeout: float) -> None:
        self._client = docker.APIClient(base_url=url, version=API_VERSION, timeout=timeout)

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Engine]:
        """The engine that the settings name."""
        engine = cls(settings.DOCKER_HOST, settings.DOCKER_TIMEOUT)
        try:
            yield engine
        finally:
            engine._client.close()

    def start(self, run: int, volume: str) -> None:
        """Make the volume and the container of a run, unless they are there."""
        labels = {MANAGED: "true", RUN: str(run)}
        with _troubles():
            self._client.create_volume(volume, labels=labels)
            try:
                self._client.create_container("validator", name=f"validation-{run}", labels=labels)
            except APIError as error:
                if error.status_code != HTTPStatus.CONFLICT:
                    raise

    def containers(self) -> list[Container]:
        """All that are ours, running or not."""
        with _troubles():
            listed = self._client.containers(all=True, filters={"label": f"{MANAGED}=true"})
        return [Container(each["Id"], int(each["Labels"][RUN])) for each in listed]

    def remove_container(self, id: str) -> bool:
        """Remove it, also if it runs; return whether it was there."""
        with _troubles():
            try:
                self._client.remove_container(id, v=True, force=True)
            except NotFound:
                return False
        return True

    def remove_volume(self, name: str) -> bool:
        """Remove it with all it holds; return whether it was there."""
        with _troubles():
            try:
                self._client.remove_volume(name)
            except NotFound:
                return False
        return True


@contextmanager
def _troubles() -> Iterator[None]:
    try:
        yield
    except APIError as error:
        pause = error.response.headers.get("Retry-After") if error.response is not None else None
        text = f"the container engine said {error.status_code}: {error.explanation}"
        raise EngineTrouble(text, float(pause) if pause else DEFAULT_PAUSE) from error
    except (DockerException, RequestException) as error:
        raise EngineTrouble(f"the container engine does not answer: {type(error).__name__}") from error
