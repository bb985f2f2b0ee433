"""Build the documentation site into site/: ``python docs/build_site.py``.

Pages are gathered into build/pages/ as they lie in the repository, so that every link means the same on the site as
where the files are read. Nothing is built when a page is missing from the nav of mkdocs.yml, or the nav names a page
that is not there; zensical, which builds, fails at links and anchors that lead nowhere. Beside the pages lie their
sources and an llms.txt that lists them, for programs that read.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
CONFIG = "mkdocs.yml"
# What is shown of the repository besides the pages and pictures of docs/.
BESIDES = (
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    "bench/README.md",
    "bench/chart.svg",
)
SHOWN = {".md", ".png", ".svg"}
# By which the search works where pages are opened from the file system. The builder would have each reader's browser
# ask another server for it; it is a kilobyte (iframe-worker 1.0.4, MIT) and lies here.
SHIM = "https://unpkg.com/iframe-worker/shim"
OWN_SHIM = "docs/theme/iframe-worker/shim.js"

Nav = list[Any]  # Any: as YAML has it, names of pages and sections of one name each


def main() -> None:
    """Build the site, or end with what is wrong."""
    try:
        site = build(ROOT)
    except (subprocess.CalledProcessError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(f"built: {site / 'index.html'}")


def build(place: Path) -> Path:
    """Build the site below a folder, and return its folder. Raises: ValueError for a nav with holes; CalledProcessError
    when a link leads nowhere."""
    nav = read_nav()
    if wrong := holes(nav):
        raise ValueError(f"expected {CONFIG} to name every page once, and only pages, got: {'; '.join(wrong)}")
    if place != ROOT:
        shutil.copy(ROOT / CONFIG, place)
    gather(place / "build" / "pages")
    subprocess.run([sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=place, check=True)
    site = place / "site"
    keep_to_ourselves(site)
    for page in pages_of(nav):
        shutil.copy(ROOT / page, site / page)
    (site / "llms.txt").write_text("".join(llms(nav)), encoding="utf-8")
    return site


def read_nav() -> Nav:
    """Return the nav of the site."""
    nav: Nav = yaml.safe_load((ROOT / CONFIG).read_text(encoding="utf-8"))["nav"]
    return nav


def pages_of(nav: Nav) -> Iterator[str]:
    """Yield every page of a nav, in its order."""
    for entry in nav:
        if isinstance(entry, str):
            yield entry
        else:
            [below] = entry.values()
            yield from [below] if isinstance(below, str) else pages_of(below)


def holes(nav: Nav) -> list[str]:
    """Say what a nav lacks, what it names twice, and what it names that is not there."""
    named = list(pages_of(nav))
    there = {file for file in shown() if file.endswith(".md")}
    return [
        *(f"{page} is not in it" for page in sorted(there - set(named))),
        *(f"{page} is not there" for page in sorted(set(named) - there)),
        *(f"{page} is named twice" for page in sorted({page for page in named if named.count(page) > 1})),
    ]


def shown() -> list[str]:
    """Return all files of the repository that the site is made of."""
    docs = [path for path in (ROOT / "docs").rglob("*") if path.suffix in SHOWN]
    examples = [*(ROOT / "examples").glob("README.md"), *(ROOT / "examples").glob("*/README.md")]
    return [*BESIDES, *sorted(path.relative_to(ROOT).as_posix() for path in [*docs, *examples])]


def gather(into: Path) -> None:
    """Copy what the site is made of; what lay there before goes."""
    shutil.rmtree(into, ignore_errors=True)
    for file in shown():
        (into / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, into / file)


def keep_to_ourselves(site: Path) -> None:
    """Have the pages take from the site what they would ask another server for. Raises: ValueError when the builder
    does not do what this is for any more."""
    own = site / "assets" / "javascripts" / "iframe-worker.js"
    shutil.copy(ROOT / OWN_SHIM, own)
    shutil.copy(ROOT / OWN_SHIM.replace("shim.js", "LICENSE"), own.with_suffix(".LICENSE"))
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if SHIM not in text:
            raise ValueError(f"expected {page} to ask for {SHIM}, it does not; OWN_SHIM may not be needed any more")
        page.write_text(text.replace(SHIM, Path(os.path.relpath(own, page.parent)).as_posix()), encoding="utf-8")


def llms(nav: Nav) -> Iterator[str]:
    """Yield llms.txt: what this is, and each page with its title and what it begins with."""
    title, about = beginning("README.md")
    yield f"# {title}\n\n> {about}\n"
    for entry in nav:
        if isinstance(entry, str):
            yield line(entry)
        else:
            [(section, below)] = entry.items()
            yield f"\n## {section}\n\n"
            yield from (line(page) for page in pages_of(below))


def line(page: str) -> str:
    """Return the line of a page in llms.txt."""
    title, about = beginning(page)
    return f"- [{title}]({page}){': ' if about else ''}{about}\n"


def beginning(page: str) -> tuple[str, str]:
    """Return the title of a page, and the first sentence below it if there is one, as plain text."""
    text = re.sub(r"<!--.*?-->", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)
    heading, _, rest = text.lstrip().partition("\n")
    paragraph = " ".join(rest.strip().split("\n\n")[0].split())
    if re.match(r"#|```|\||- |!", paragraph):
        paragraph = ""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", paragraph).replace("**", "")
    return heading.removeprefix("# ").strip(), re.split(r"(?<=\.)\s", plain)[0]


if __name__ == "__main__":
    main()
