"""``horarium migrate-project`` as people use it: what it shows, what it writes, and what it refuses to write."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from projects import ACCESS, CHECKER, CLEANER, PROJECTS, SCRAPER, everything, write

from horarium.cli.main import root


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write(CLEANER, tmp_path / "proj")


def migrate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(root, ["migrate-project", *map(str, arguments)])


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def committed(folder: Path) -> Path:
    git(folder, "init")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "all")
    return folder


@pytest.mark.parametrize("name", PROJECTS)
def test_a_dry_run_changes_nothing(name: str, tmp_path: Path) -> None:
    folder = write(PROJECTS[name], tmp_path)
    before = everything(folder)
    result = migrate(folder)
    assert result.exit_code in (0, 1) and "rewritten" in result.stdout
    assert everything(folder) == before


@pytest.mark.parametrize("name", PROJECTS)
def test_writing_twice_is_writing_once(name: str, tmp_path: Path) -> None:
    folder = write(PROJECTS[name], tmp_path)
    first = migrate(folder, "--write", "--json")
    once = everything(folder)
    again = json.loads(migrate(folder, "--write", "--json").stdout)
    assert everything(folder) == once
    assert again["changed"] == [] and again["counts"]["rewritten"] == 0
    assert json.loads(first.stdout)["counts"]["by hand"] == again["counts"]["by hand"]


def test_the_rewritten_project_names_celery_nowhere_that_counts(tmp_path: Path) -> None:
    folder = write(CHECKER | CLEANER | SCRAPER, tmp_path)
    assert migrate(folder, "--write").exit_code == 0
    left = [
        line
        for path in folder.rglob("*")
        if path.is_file()
        for line in path.read_text().splitlines()
        if "import celery" in line or "from celery" in line or "celery -A" in line or '"celery"' in line
    ]
    assert left == []
    for path in folder.rglob("*.py"):
        compile(path.read_bytes(), str(path), "exec")


def test_the_exit_code_is_1_while_something_is_left_to_a_person(tmp_path: Path) -> None:
    assert migrate(write(CLEANER, tmp_path / "a")).exit_code == 0
    assert migrate(write(ACCESS, tmp_path / "b")).exit_code == 1


def test_json_says_all_of_it(project: Path) -> None:
    document = json.loads(migrate(project, "--json").stdout)
    assert document["changed"] == ["Procfile", "config/celery.py"]
    assert not document["written"]
    assert document["counts"] == {"by hand": 0, "rewritten": 5, "no effect": 0, "note": 0, "works": 2}
    assert {"path", "line", "kind", "what", "verdict"} <= document["found"][0].keys()


def test_a_diff_shows_what_would_change(project: Path) -> None:
    shown = migrate(project, "--diff").stdout
    assert "-from celery import Celery\n" in shown and "+from horarium import Celery\n" in shown


def test_a_dirty_work_tree_is_refused_unless_forced(project: Path) -> None:
    committed(project)
    (project / "Procfile").write_text((project / "Procfile").read_text() + "# mine\n")
    before = everything(project)
    result = migrate(project, "--write")
    assert result.exit_code == 4 and "Procfile" in result.stderr and "--force" in result.stderr
    assert everything(project) == before
    assert migrate(project, "--write", "--force").exit_code == 0
    assert "horarium -A" in (project / "Procfile").read_text()


def test_a_file_that_git_does_not_know_is_not_changed_unless_forced(project: Path) -> None:
    committed(project)
    (project / "notes.txt").write_text("mine")  # this one would not be changed, so it harms nothing
    assert migrate(project, "--write").exit_code == 0
    (project / "new.py").write_text("from celery import shared_task\n")
    assert migrate(project / "new.py", "--write").exit_code == 4


def test_a_clean_work_tree_below_another_one_is_written(project: Path) -> None:
    committed(project.parent)
    assert migrate(project, "--write").exit_code == 0
    assert migrate(project, "--write").exit_code == 0  # nothing is left to change, whatever git says


def test_places_of_others_are_not_entered(project: Path) -> None:
    for place in (".git", "node_modules/x", "env", "__pycache__"):
        write({f"{place}/a.py": "import celery\n"}, project)
    (project / "env" / "pyvenv.cfg").write_text("")
    (project / "outside").symlink_to(write({"b.py": "import celery\n"}, project.parent / "other"))
    (project / "link.py").symlink_to(project.parent / "other" / "b.py")
    shown = migrate(project, "--json").stdout
    assert {one["path"] for one in json.loads(shown)["found"]} == {"Procfile", "config/celery.py"}


def test_files_that_cannot_be_read_are_named_and_skipped(project: Path) -> None:
    (project / "old.py").write_text("from celery import task\nprint 'two'\n")
    (project / "wide.py").write_bytes("import celery\n".encode("utf-16"))
    (project / "huge.yml").write_bytes(b"#" * 3_000_000)
    result = migrate(project, "--write", "--json")
    skipped = {one["path"]: one["advice"] for one in json.loads(result.stdout)["found"] if one["kind"] == "file"}
    assert result.exit_code == 1
    assert skipped.keys() == {"old.py", "wide.py", "huge.yml"}
    assert "line 2" in skipped["old.py"] and "NUL" in skipped["wide.py"] and "larger" in skipped["huge.yml"]
    assert "horarium" in (project / "Procfile").read_text()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_named_and_skipped(project: Path) -> None:
    (project / "secret.py").write_text("import celery\n")
    (project / "secret.py").chmod(0)
    assert "secret.py:1" in migrate(project).stdout


def test_a_file_keeps_its_mode(project: Path) -> None:
    (project / "run.sh").write_text("#!/bin/sh\nexec celery -A config worker\n")
    (project / "run.sh").chmod(0o751)
    migrate(project, "--write")
    assert "horarium -A" in (project / "run.sh").read_text()
    assert (project / "run.sh").stat().st_mode & 0o777 == 0o751


def test_one_file_can_be_given(project: Path) -> None:
    assert migrate(project / "config" / "celery.py", "--write").exit_code == 0
    assert "from horarium import Celery" in (project / "config" / "celery.py").read_text()
    assert "celery -A" in (project / "Procfile").read_text()


def test_a_configuration_module_is_found_by_its_name_in_the_code(project: Path) -> None:
    write({"config/app.py": "import celery\napp.config_from_object('config.queue')\n"}, project)
    write({"config/queue.py": "task_acks_late = True\nbroker_url = 'amqp://host//'\n"}, project)
    found = json.loads(migrate(project, "--json").stdout)["found"]
    assert {(one["what"], one["verdict"]) for one in found if one["path"] == "config/queue.py"} == {
        ("task_acks_late", "works"),
        ("broker_url", "by hand"),
    }


def test_a_path_that_is_not_there_is_wrong_usage() -> None:
    assert migrate("/no/such/place").exit_code in (2, 64)


def test_an_empty_folder_has_nothing_to_show(tmp_path: Path) -> None:
    result = migrate(tmp_path)
    assert result.exit_code == 0 and "nothing of Celery's was found" in result.stderr


def test_without_libcst_the_command_names_the_extra(project: Path) -> None:
    script = "import sys; sys.modules['libcst'] = None; from horarium.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, "migrate-project", str(project)], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error:") and "horarium[migrate]" in done.stderr
