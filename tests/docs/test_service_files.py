"""The files in deploy/ are what the programs that will read them can read, and every option in them is one."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import promql_parser
import pytest
import yaml
from command_words import commands_in, is_accepted
from dockerfile_parse import DockerfileParser

from horarium.cli.main import root
from horarium.dashboard.metrics.families import FAMILIES

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


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
    assert parser.sections() == ["program:horarium-worker", "program:horarium-beat", "program:horarium-web"]
    for section in parser.sections():
        [words] = commands_in(parser[section]["command"].partition("/bin/")[2])
        assert is_accepted(words)


def test_a_procfile_is_one_line_per_process_row_12() -> None:
    path = DEPLOY / "Procfile"
    done = subprocess.run(
        [sys.executable, "-m", "honcho", "-f", str(path), "check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Valid procfile detected (web, worker, beat, dashboard)" in done.stderr + done.stdout
    assert [is_accepted(words) for words in commands_in(path.read_text())] == [True] * 3


def test_compose_starts_workers_and_schedulers_in_both_forms_row_3() -> None:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    services = document["services"]
    assert set(services) == {"web", "worker", "beat", "dashboard", "redis", "postgres"}
    forms = {name: services[name]["command"] for name in ("worker", "beat", "dashboard")}
    assert isinstance(forms["worker"], list) and isinstance(forms["beat"], str)
    for name, form in forms.items():
        words = form if isinstance(form, list) else form.split()
        assert words[0] == "horarium" and is_accepted(words[1:]), name
    for name in ("worker", "beat"):
        probe = services[name]["healthcheck"]["test"]
        assert probe[:3] == ["CMD", "horarium", "health"] and is_accepted(probe[2:])
    assert services["dashboard"]["ports"] == ["127.0.0.1:8600:8600"]  # never open to the world by itself
    grace = re.search(r"--grace=(\d+)", " ".join(forms["worker"]))
    assert grace is not None and int(services["worker"]["stop_grace_period"].rstrip("s")) > int(grace[1])
    named = {volume.partition(":")[0] for each in services.values() for volume in each.get("volumes", [])}
    assert named == set(document["volumes"])


def kubernetes() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))


def test_kubernetes_takes_every_manifest() -> None:
    assert [(each["kind"], each["metadata"]["name"]) for each in kubernetes()] == [
        ("Deployment", "shop-worker"),
        ("Deployment", "shop-beat"),
        ("Deployment", "shop-dashboard"),
        ("Service", "shop-dashboard"),
    ]
    for each in kubernetes():
        kubernetes_validate.validate(each, "1.31", strict=True)


def test_kubernetes_commands_and_probes_are_there() -> None:
    for document in kubernetes()[:3]:
        [container] = document["spec"]["template"]["spec"]["containers"]
        assert is_accepted(container["args"][1:]), document["metadata"]
        probes = [probe for name, probe in container.items() if name.endswith("Probe")]
        assert probes
        for probe in probes:
            if "exec" in probe:
                words = probe["exec"]["command"]
                assert words[0] == "horarium" and is_accepted(words[1:])


def test_the_image_is_built_in_two_stages_and_runs_as_nobody_special() -> None:
    parsed = DockerfileParser(str(DEPLOY / "Dockerfile"))
    steps = [(step["instruction"], step["value"]) for step in parsed.structure if step["instruction"] != "COMMENT"]
    assert [value for word, value in steps if word == "FROM"] == ["python:3.13-slim AS build", "python:3.13-slim"]
    users = [value for word, value in steps if word == "USER"]
    assert users == ["10001"] and steps.index(("USER", "10001")) > steps.index(("FROM", "python:3.13-slim"))
    [command] = [value for word, value in steps if word == "CMD"]
    words = json.loads(command)
    assert words[0] == "horarium" and is_accepted(words[1:])


def test_prometheus_understands_every_rule_and_the_board_and_every_metric_is_told() -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus-rules.yaml").read_text())
    asked = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "grafana.json").read_text())
    shown = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    known = set(FAMILIES)
    for query in [*asked, *shown]:
        promql_parser.parse(query.replace("$__rate_interval", "5m"))  # raises when it is none
        used = set(re.findall(r"\bhorarium_\w+", query))
        assert used
        assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in used} <= known, query
    labels = [each["query"]["query"] for each in board["templating"]["list"] if each["type"] == "query"]
    assert {found for text in labels for found in re.findall(r"horarium_\w+", text)} <= known


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs" / "how-to" / "run-as-a-service.md").read_text()
    files = [path.relative_to(ROOT).as_posix() for path in DEPLOY.rglob("*") if path.is_file()]
    assert [name for name in files if f"`{name}`" not in page] == []
