"""Options and addresses that come from the environment; the command line wins."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from shop_words import Shop

from horarium.cli.commands import beat, worker
from horarium.cli.main import root
from horarium.cli.options import Option

APP = """
from horarium import Horarium

app = Horarium("envapp", broker="sqlite:///code.db", set_as_current=False)


@app.task(name="env.work")
def work() -> None: ...
"""


def own_options() -> list[tuple[str, str]]:
    """Return command and long name of every option of the two commands that run in containers."""
    return [
        (command.name or "", name)
        for command in (worker.command, beat.command)
        for option in command.params
        if isinstance(option, Option) and option.allow_from_autoenv and option.envvar is None
        for name in option.opts
        if name.startswith("--")
    ]


@pytest.mark.parametrize("prefix", ["HORARIUM", "CELERY"])
@pytest.mark.parametrize(("command", "name"), own_options())
def test_every_option_has_a_form_in_the_environment_by_each_of_its_names(
    prefix: str, command: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"{prefix}_{command}_{name.removeprefix('--').replace('-', '_')}".upper()
    monkeypatch.setenv(variable, "found")
    declared = {"worker": worker.command, "beat": beat.command}[command]
    option = next(one for one in declared.params if isinstance(one, click.Option) and name in one.opts)
    context = click.Context(declared, info_name=command, auto_envvar_prefix=f"HORARIUM_{command.upper()}")
    assert option.resolve_envvar_value(context) == "found"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "envapp.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def store_of(*arguments: str, **variables: str) -> str:
    sys.modules.pop("envapp", None)  # each command is a process of its own
    return CliRunner().invoke(root, [*arguments, "doctor", "--json"], env=variables).output


@pytest.mark.parametrize("variable", ["CELERY_APP", "HORARIUM_APP"])
def test_the_app_and_its_store_come_from_the_environment_rows_21_and_22(project: Path, variable: str) -> None:
    app = {variable: "envapp"}
    assert "code.db" in store_of(**app)
    assert "env.db" in store_of(**app, CELERY_BROKER_URL="sqlite:///env.db")
    assert "ours.db" in store_of(**app, CELERY_BROKER_URL="sqlite:///env.db", HORARIUM_STORE="sqlite:///ours.db")
    assert "said.db" in store_of("-b", "sqlite:///said.db", **app, CELERY_BROKER_URL="sqlite:///env.db")


def test_a_wrong_value_in_the_environment_is_refused_row_22(shop: Shop) -> None:
    result = shop("worker", env={"CELERY_WORKER_CONCURRENCY": "many"})
    assert result.exit_code == 64
    assert "expected a number of slots or 'auto', got 'many'" in result.stderr


def test_an_option_without_effect_is_explained_though_it_comes_from_the_environment() -> None:
    result = CliRunner().invoke(
        root, ["-A", "nowhere_at_all", "worker"], env={"CELERY_WORKER_PREFETCH_MULTIPLIER": "1"}
    )
    assert "note: --prefetch-multiplier has no effect" in result.stderr


def test_what_the_settings_say_in_vain_is_printed_by_check(shop: Shop) -> None:
    shop.app.conf.update(worker_prefetch_multiplier=1, beat_sync_every=5)
    result = shop("check")
    assert result.exit_code == 0
    assert "note   worker_prefetch_multiplier: has no effect in Horarium: " in result.output
    assert "note   beat_sync_every: has no effect in Horarium: " in result.output


def test_a_configuration_that_cannot_be_read_ends_a_command_with_one_line(project: Path) -> None:
    (project / "envapp.py").write_text(APP + "\napp.config_from_object('nowhere')\n")
    sys.modules.pop("envapp", None)
    result = CliRunner().invoke(root, ["-A", "envapp", "check"])
    assert result.exit_code == 1
    assert "error: expected the name of a module of settings" in result.stderr
