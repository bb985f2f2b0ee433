"""Opening: what is refused, with one clear line, and left as it was."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from sqlite_words import put_one

from horarium.engines.records import Page, RunFilter
from horarium.engines.sqlite import SqliteEngine
from horarium.engines.sqlite.migrate import APPLICATION_ID, LATEST
from horarium.engines.sqlite.opening import _file_system
from horarium.errors import InvalidSetting, StoreUnusable


def refusal(path: Path) -> str:
    engine = SqliteEngine(path)
    try:
        with pytest.raises(StoreUnusable) as caught:
            engine.check()
    finally:
        engine.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_made_by_the_first_use_and_not_before(path: Path) -> None:
    engine = SqliteEngine(path)
    assert not path.exists()
    engine.check()
    assert path.exists()
    engine.close()


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert str(tmp_path / "nowhere") in refusal(tmp_path / "nowhere" / "store.db")
    assert not (tmp_path / "nowhere").exists()


def test_a_directory_is_not_a_store(tmp_path: Path) -> None:
    assert "directory" in refusal(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"this is no database\n" * 500, b"SQLite format 3\0" + bytes(range(256)) * 64, b"x"],
    ids=["text", "garbage behind a good first line", "one byte"],
)
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert str(path) in refusal(path)
    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_another_programs_database_is_refused_and_left_as_it_is(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE users (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    assert "another program" in refusal(path)
    assert path.read_bytes() == before


def test_a_damaged_page_is_found_and_the_file_left_as_it_is(path: Path, engine: SqliteEngine) -> None:
    for _ in range(200):
        put_one(engine)
    engine.close()
    content = bytearray(path.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    path.write_bytes(content)
    assert "restore it from a backup" in refusal(path)
    assert path.read_bytes() == content


def test_a_file_cut_to_nothing_does_not_become_an_empty_store(path: Path, engine: SqliteEngine) -> None:
    put_one(engine)
    listener = engine.notifier.listen(["queue:default"])
    engine.close()
    listener.close()
    path.write_bytes(b"")
    assert "empty" in refusal(path)
    assert path.read_bytes() == b""


def test_a_file_cut_short_is_refused(path: Path, engine: SqliteEngine) -> None:
    for _ in range(200):
        put_one(engine)
    engine.close()
    with path.open("r+b") as file:
        file.truncate(20_000)
    before = path.read_bytes()
    refusal(path)
    assert path.read_bytes() == before


def test_a_newer_schema_asks_for_an_upgrade(path: Path, engine: SqliteEngine) -> None:
    engine.check()
    engine.close()
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", LATEST + 1)
    connection.close()
    before = path.read_bytes()
    assert "upgrade Horarium" in refusal(path)
    assert path.read_bytes() == before


def test_an_empty_file_becomes_a_store(path: Path, engine: SqliteEngine) -> None:
    path.touch()
    put_one(engine)


def test_an_empty_file_becomes_a_store_for_whoever_listens_first(path: Path, engine: SqliteEngine) -> None:
    path.touch()
    engine.notifier.listen(["schedules"]).close()  # as a scheduler does
    put_one(engine)


STOPS_HALF_WAY = """
import signal
from horarium.engines.sqlite import opening
def held_up(*args):
    os.kill(os.getpid(), signal.SIGSTOP)
    return original(*args)
original = getattr(opening, sys.argv[2])
setattr(opening, sys.argv[2], held_up)
engine = SqliteEngine(sys.argv[1])
put_one(engine)
engine.close()
"""


@pytest.mark.parametrize("step", ["migrate", "_identify"])
def test_a_maker_that_is_held_up_holds_up_nobody_else(
    step: str, path: Path, engine: SqliteEngine, script: Callable[..., subprocess.Popen[str]]
) -> None:
    """A scheduler that listened before it had opened the store, and a slow disk, once made a worker refuse it."""
    path.with_name(f"{path.name}-wake").mkdir()  # left by a store of before
    maker = script(STOPS_HALF_WAY, path, step)
    _, status = os.waitpid(maker.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    put_one(engine)
    maker.send_signal(signal.SIGCONT)
    said, _ = maker.communicate(timeout=60)
    assert maker.returncode == 0, said
    assert len(engine.inspector.find(RunFilter(), Page()).held) == 2
    assert not list(path.parent.glob("*-new-*"))


def test_what_a_deleted_store_has_left_beside_it_does_not_get_into_a_new_one(path: Path, engine: SqliteEngine) -> None:
    for _ in range(50):
        put_one(engine)
    left = path.with_name(f"{path.name}-wal").read_bytes()
    engine.close()
    path.unlink()
    path.with_name(f"{path.name}-wal").write_bytes(left)
    anew = SqliteEngine(path)
    anew.check()
    put_one(anew)
    anew.check()
    assert len(anew.inspector.find(RunFilter(), Page()).held) == 1
    anew.close()


def test_a_store_is_made_where_files_have_one_name_only(
    path: Path, engine: SqliteEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(target))

    monkeypatch.setattr(Path, "hardlink_to", refused)
    engine.check()
    assert [each.name for each in path.parent.iterdir() if "-new-" in each.name] == []
    put_one(engine)


@pytest.mark.parametrize("there", [False, True])
def test_a_link_to_a_store_is_as_good_as_its_file(path: Path, there: bool) -> None:
    file = path.with_name("elsewhere.db")
    path.symlink_to(file.name)
    with closing(SqliteEngine(path)) as linked, closing(SqliteEngine(file)) as direct:
        if there:
            put_one(direct)
        put_one(linked)
        for listening, telling in ((linked, direct), (direct, linked)):
            with closing(listening.notifier.listen(["queue:default"])) as listener:
                telling.notifier.notify(["queue:default"])
                assert listener.wait(0.1)
        assert len(direct.inspector.find(RunFilter(), Page()).held) == 1 + there
    assert path.is_symlink()
    assert not path.with_name(f"{path.name}-wake").exists()


@pytest.mark.parametrize("what", ["file", "directory"])
def test_what_this_user_may_not_write_is_refused(
    what: str, script: Callable[..., subprocess.Popen[str]], request: pytest.FixtureRequest
) -> None:
    directory = Path(tempfile.mkdtemp())  # pytest's own may be entered by its owner only
    request.addfinalizer(lambda: shutil.rmtree(directory))
    path = directory / "store.db"
    engine = SqliteEngine(path)
    put_one(engine)
    engine.close()
    before = path.read_bytes()
    directory.chmod(0o755 if what == "directory" else 0o777)
    path.chmod(0o666 if what == "directory" else 0o444)
    text = """
if os.getuid() == 0: os.setgid(65534); os.setuid(65534)
from horarium.errors import StoreUnusable
try: SqliteEngine(sys.argv[1]).check()
except StoreUnusable as error: print(error)
"""
    said, _ = script(text, path).communicate(timeout=60)
    assert "writable" in said, said
    assert said.count("\n") == 1
    assert path.read_bytes() == before


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_goes_away_while_open_is_noticed(path: Path, engine: SqliteEngine, replaced: bool) -> None:
    put_one(engine)
    path.rename(path.with_name("moved.db"))
    if replaced:
        shutil.copy(path.with_name("moved.db"), path)
    with pytest.raises(StoreUnusable, match="replaced" if replaced else "moved or deleted"):
        put_one(engine)
    assert path.exists() == replaced


def test_the_file_bears_our_mark(path: Path, engine: SqliteEngine) -> None:
    engine.check()
    engine.close()
    connection = apsw.Connection(str(path))
    assert (connection.pragma("application_id"), connection.pragma("user_version")) == (APPLICATION_ID, LATEST)
    assert connection.pragma("journal_mode") == "wal"
    connection.close()


def test_an_unknown_durability_is_refused(path: Path) -> None:
    with pytest.raises(InvalidSetting, match="durability"):
        SqliteEngine(path, "sometimes")  # type: ignore[arg-type]


def test_the_file_system_of_a_directory_is_known() -> None:
    proc = Path("/proc/self")
    if proc.exists():
        assert _file_system(proc) == "proc"
