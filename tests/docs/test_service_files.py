"""The files in deploy/ are what the programs that will read them can read, and every option in them is one."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from horarium.cli.main import root
from horarium.cli.options import global_options

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def commands_in(text: str) -> list[list[str]]:
    """Return every call of `horarium` in a text of some configuration, as words."""
    calls = re.findall(r"horarium(?=[\s\",])([^\n;#\]]*)", text)
    return [re.findall(r"[^\s\",\[\]]+", call) for call in calls]


def is_accepted(words: list[str]) -> bool:
    """Whether a command and its options are known; values are not looked at."""
    context = click.Context(root, info_name="horarium")
    taken = [name for option in global_options(repeated=False) for name in option.opts]
    rest = list(words)
    while rest and rest[0].startswith("-"):
        if rest.pop(0) not in taken:
            return False
        rest.pop(0)
    command = root.get_command(context, rest[0]) if rest else None
    known = {name for parameter in command.params for name in parameter.opts} if command else set()
    given = {word.partition("=")[0] for word in rest[1:] if word.startswith("-")}
    return command is not None and given <= known | set(taken)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_verified_by_systemd(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    name = unit.name.replace("@.", "@w1.")
    copy = tmp_path / name
    text = unit.read_text().replace("User=horarium", f"User={os.environ.get('USER', 'root')}")
    copy.write_text(text.replace("Group=horarium\n", ""))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60, check=False
    )
    about_ours = [line for line in done.stderr.splitlines() if unit.stem.rstrip("@") in line]
    assert about_ours == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_is_one_and_stops_it_in_good_order(unit: Path) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    service = parser["Service"]
    [words] = commands_in(service["ExecStart"])
    assert is_accepted(words)
    assert (service["Restart"], service["EnvironmentFile"]) == ("always", "/etc/default/horarium")


def test_the_environment_file_names_options_that_are_there() -> None:
    lines = [line for line in (DEPLOY / "systemd" / "horarium").read_text().splitlines() if line and line[0] != "#"]
    assert all(re.fullmatch(r"[A-Z_]+=\S+", line) for line in lines)
    context = click.Context(root, info_name="horarium")
    for line in lines:
        words = line.partition("=")[0].lower().split("_", 2)
        if words[0] == "horarium" and len(words) == 3:
            command = root.get_command(context, words[1])
            assert command is not None and words[2] in {parameter.name for parameter in command.params}, line


def test_supervisors_file_is_read_and_its_commands_are_there() -> None:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";",))
    parser.read_string((DEPLOY / "supervisor.conf").read_text())
    assert parser.sections() == ["program:horarium-worker", "program:horarium-beat"]
    for section in parser.sections():
        [words] = commands_in(parser[section]["command"].partition("/bin/")[2])
        assert is_accepted(words)


def test_a_procfile_is_one_line_per_process_row_12() -> None:
    lines = (DEPLOY / "Procfile").read_text().splitlines()
    assert all(re.fullmatch(r"\w+: \S.*", line) for line in lines)
    assert [is_accepted(words) for words in commands_in("\n".join(lines))] == [True, True]


def test_compose_starts_workers_and_schedulers_in_both_forms_row_3() -> None:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = document["services"]
    forms = {name: services[name]["command"] for name in ("worker", "beat")}
    assert isinstance(forms["worker"], list) and isinstance(forms["beat"], str)
    for name, form in forms.items():
        words = form if isinstance(form, list) else form.split()
        assert words[0] == "horarium" and is_accepted(words[1:]), name
        probe = services[name]["healthcheck"]["test"]
        assert probe[:3] == ["CMD", "horarium", "health"] and is_accepted(probe[2:])


def test_kubernetes_probes_are_commands_that_are_there() -> None:
    document = yaml.safe_load((DEPLOY / "kubernetes.yaml").read_text())
    [container] = document["spec"]["template"]["spec"]["containers"]
    assert is_accepted(container["args"][1:])
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        words = container[probe]["exec"]["command"]
        assert words[0] == "horarium" and is_accepted(words[1:])


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs" / "how-to" / "run-as-a-service.md").read_text()
    files = [path.relative_to(ROOT).as_posix() for path in DEPLOY.rglob("*") if path.is_file()]
    assert [name for name in files if f"`{name}`" not in page] == []
