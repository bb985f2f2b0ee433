"""The film database, as the tasks see it: what it knows of a film or a series, by its number."""

from __future__ import annotations

from typing import NamedTuple

import httpx


class Details(NamedTuple):
    summary: str
    poster: str
    year: int | None


class Tmdb:
    """A film database. Every method may raise httpx.HTTPError: no answer, an answer that is an error."""

    def __init__(self, url: str, token: str, *, timeout: float) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=timeout)

    def __enter__(self) -> Tmdb:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def details(self, kind: str, number: int) -> Details | None:
        """What is known of the ``movie`` or ``tv`` of this number; None if there is none."""
        answer = self._client.get(f"/{kind}/{number}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        found = answer.json()
        date = found.get("release_date") or found.get("first_air_date") or ""
        return Details(
            summary=found.get("overview") or "",
            poster=found.get("poster_path") or "",
            year=int(date[:4]) if date[:4].isdigit() else None,
        )
