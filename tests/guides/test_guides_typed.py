"""The five guides, typed line by line against a small project of each: as they are, and after moving to Horarium."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from adopter import Adopter
from guide_lines import GUIDES, Guide, Line

from servers import RedisServer

# Unchanged, a Django site and one without Django; moved, the one with every kind of line. A play takes 10 s: the others
# are for `make soak`, since the journeys follow each guide with Horarium's own words.
SEEN_ALWAYS = ("000", "003")
PLAYS = [
    *(pytest.param(each, "drop-in", marks=() if each in SEEN_ALWAYS else pytest.mark.soak) for each in GUIDES),
    ("003", "moved"),
]
INSTALL = "from horarium import dropin; dropin.install()\n"


class Typist:
    """Types a guide's lines in a project that says `import celery` (drop-in mode), or that was moved to Horarium."""

    def __init__(self, adopter: Adopter, guide: Guide, mode: str) -> None:
        self.adopter = adopter
        self.guide = guide
        self.mode = mode
        self.id = ""
        for name, text in guide.files.items():
            adopter.write(name, text)
        if mode == "moved":
            moved = adopter.horarium("migrate-project", "--write", "--force", ".")
            assert moved.returncode in (0, 1), moved.stderr
            assert "from celery" not in "".join((adopter.folder / name).read_text() for name in guide.files)

    def words(self, command: str) -> list[str]:
        """Return what is typed after `python -m horarium`, or after `python` where that is the command."""
        program, *rest = shlex.split(command.replace("<task-id>", self.id))
        if program == "celery":
            return ["-m", "horarium", "celery", *rest] if self.mode == "drop-in" else ["-m", "horarium", *rest]
        if self.mode == "moved":
            return rest
        if rest[0] == "-c":
            return ["-c", INSTALL + rest[1]]
        return [
            "-c",
            f"{INSTALL}import runpy, sys; sys.argv[:] = {rest!r}; runpy.run_path({rest[0]!r}, None, '__main__')",
        ]

    def start(self) -> None:
        for command in self.guide.start:
            self.adopter.start(*self.words(command)[2:])
        for number, words in enumerate(self.guide.logs):
            self.adopter.says("ready." if "worker" in self.guide.start[number] else words[0], number)

    def type(self, line: Line) -> list[str]:
        """Return what is wrong with what came of a line."""
        if line.awaited:
            self.adopter.until(lambda: not self.look(line), lambda: f"{line.where} {line.command}")
            return []
        return self.look(line)

    def look(self, line: Line) -> list[str]:
        done: subprocess.CompletedProcess[str] = self.adopter.run(*self.words(line.command))
        if " call " in line.command:
            self.id = done.stdout.strip()
        expected = done.returncode == line.code if line.code is not None else done.returncode not in (0, 1, 70)
        missing = [words for words in line.says if words not in done.stdout + done.stderr]
        if expected and not missing:
            return []
        return [f"{line.where} {line.command}\n-> {done.returncode}, without {missing}\n{done.stdout}{done.stderr}"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("number", "mode"), PLAYS)
def test_what_a_guide_tells_people_to_type_works(number: str, mode: str, tmp_path: Path) -> None:
    """Rows 3, 7, 8, 37, 106 to 108, 110, 122 and 126: each process alone, its words on its own output."""
    guide = GUIDES[number]
    with RedisServer() as redis:
        adopter = Adopter(tmp_path, REDIS_URL=redis.url, APP_ROLE="celery_worker")
        try:
            typist = Typist(adopter, guide, mode)
            typist.start()
            assert [wrong for line in guide.lines for wrong in typist.type(line)] == []
            for process, expected in enumerate(guide.logs):
                for words in expected:
                    adopter.says(words, process)
            assert adopter.stop() == [0] * len(guide.start)
            if mode == "drop-in":
                assert re.search(r"INFO/MainProcess\] celery@\S+ ready\.$", adopter.text(0), re.MULTILINE)
            if number == "000" and mode == "drop-in":
                assert re.search(r"^celery beat v\S+ .*is starting", adopter.text(1), re.MULTILINE)
        finally:
            adopter.close()
