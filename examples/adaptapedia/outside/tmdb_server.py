"""A film database's REST API with the catalogue: GET /3/movie/NUMBER and /3/tv/NUMBER, for whoever has a token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from outside.catalogue import screens
from outside.moods import MoodyHandler, MoodyServer, serving

PATH = re.compile(r"/3/(movie|tv)/(\d+)")
FOUND = {("tv" if screen.is_series else "movie", screen.film_number): screen for screen in screens()}


class TmdbHandler(MoodyHandler):
    def answer(self) -> None:
        asked = PATH.fullmatch(self.path)
        screen = FOUND.get((asked[1], int(asked[2]))) if asked else None
        if not self.headers.get("Authorization", "").startswith("Bearer "):
            self.send(401, {"status_message": "A token is needed."})
        elif screen is None:
            self.send(404, {"status_message": "There is none of this number."})
        else:
            name, date = ("name", "first_air_date") if screen.is_series else ("title", "release_date")
            self.send(
                200,
                {
                    "id": screen.film_number,
                    name: screen.title,
                    date: f"{screen.year}-05-17",
                    "overview": f"{screen.title}, as it was seen in {screen.year}.",
                    "poster_path": f"/{screen.film_number}.jpg",
                },
            )


@contextmanager
def tmdb_server(port: int = 0, nth: int = 45) -> Iterator[str]:
    """Serve until the block ends; gives the address of the API."""
    with serving(MoodyServer(port, TmdbHandler, nth)) as server:
        yield f"{server.address}/3"
