"""Polite fetching: one client per visit, a pause between requests, and errors sorted by whether trying again helps.

Raises httpx.HTTPError for what may pass (no connection, time-outs, 429, 5xx): the tasks retry on that. Raises
PageGone for an answer that will be the same tomorrow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import httpx

USER_AGENT = "horarium-example-events (+https://example.org/bot)"
TOO_MANY_REQUESTS = 429

Progress = Callable[[int, int, str], object]  # done, total, note


class PageGone(Exception):
    """The site refuses the page for good (a 4xx answer)."""


class PageChanged(Exception):
    """A page is not built as the scraper expects."""

    def __init__(self, expected: str, url: str) -> None:
        super().__init__(f"expected {expected} on {url}, got a page without; look at it and mend its scraper")
        self.url = url


class Fetcher:
    """Fetches pages for one visit; ``delay`` seconds lie between the end of a request and the next one."""

    def __init__(self, *, timeout: float, delay: float = 0.0) -> None:
        self.pages = 0
        self._delay = delay
        # trust_env: the address decides, not a proxy that some surroundings happen to name.
        self._client = httpx.Client(
            timeout=timeout, headers={"User-Agent": USER_AGENT}, follow_redirects=True, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, url: str) -> httpx.Response:
        """Return the page. Raises: httpx.HTTPError, PageGone."""
        if self.pages:
            time.sleep(self._delay)
        response = self._client.get(url)
        self.pages += 1
        if response.is_client_error and response.status_code != TOO_MANY_REQUESTS:
            raise PageGone(f"expected a page at {url}, got {response.status_code}; correct the source's address")
        response.raise_for_status()
        return response
