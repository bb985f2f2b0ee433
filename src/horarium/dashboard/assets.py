"""What browsers keep: our own styles and scripts, and those of others that the build put beside them.

A file's address holds a digest of it, so that a browser may keep it for ever and never shows an old one.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from horarium.errors import ImproperlyConfigured

FILES = Path(__file__).parent / "files"  # ours
VENDOR = Path(__file__).parent / "vendor"  # of others: hatch_build.py
MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
FOR_EVER = "public, max-age=31536000, immutable"


class Asset(Struct, frozen=True):
    body: bytes
    packed: bytes
    media: str
    digest: str


class Assets:
    """All files, read once. Raises: ImproperlyConfigured when those of others were not built."""

    def __init__(self) -> None:
        paths = [path for folder in (FILES, VENDOR) for path in sorted(folder.glob("*")) if path.suffix in MEDIA]
        if not any(path.parent == VENDOR for path in paths):
            raise ImproperlyConfigured(
                "expected the dashboard's browser libraries beside it, found none; "
                "from a checkout call: pip install -e . (it needs npm or the network), else install Horarium again"
            )
        self.known: Mapping[str, Asset] = {path.name: _read(path) for path in paths}

    @staticmethod
    @cache
    def shared() -> Assets:
        return Assets()

    def path(self, name: str) -> str:
        """Return the address of a file, below the dashboard."""
        return f"/static/{self.known[name].digest}/{name}"

    def answer(self, request: Request) -> Response:
        """Serve a file. Only names that were read at the start are known; nothing of the request touches the disk."""
        found = self.known.get(request.path_params["name"])
        if found is None or found.digest != request.path_params["digest"]:
            return PlainTextResponse("gone", 404)
        headers = {"Cache-Control": FOR_EVER, "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(found.packed, headers=headers | {"Content-Encoding": "gzip"}, media_type=found.media)
        return Response(found.body, headers=headers, media_type=found.media)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    digest = hashlib.sha256(body).hexdigest()[:12]
    return Asset(body, gzip.compress(body, 9, mtime=0), MEDIA[path.suffix], digest)
