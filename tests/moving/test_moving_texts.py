"""Commands and packages in files that are no Python: what is called is renamed, what has no equivalent is told."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from horarium.moving.commands import CommandLine, may_call, rewrite_commands
from horarium.moving.packages import names_packages, rewrite_packages
from horarium.moving.report import Found

KNOWN = CommandLine(
    {
        "worker": {
            "-l": "",
            "--loglevel": "",
            "-c": "",
            "-B": "",
            "-D": "stay",
            "--detach": "stay",
            "-O": "fair anyway",
        },
        "beat": {"-l": "", "-s": "in the store"},
        "call": {"--kwargs": ""},
        "inspect": {"-t": ""},
        "purge": {"-f": ""},
    },
    frozenset({"-A", "--app", "-b", "--broker", "--workdir"}),
)


def commands(text: str) -> tuple[str, list[Found]]:
    return rewrite_commands("file", text, KNOWN)


def packages(text: str, path: str = "requirements.txt") -> tuple[str, list[Found]]:
    return rewrite_packages(path, text)


@pytest.mark.parametrize(
    "text",
    [
        "worker: celery -A proj worker -l info\n",
        'CMD ["celery", "-A", "proj", "worker"]\n',
        "CMD ['celery', '-A', 'proj', 'worker']\n",
        "ExecStart=/opt/venv/bin/celery -A proj beat -l info\n",
        "ExecStart=${VENV}/celery --app=proj beat\n",
        "exec celery --app proj.app:app worker -c4 -B\r\n",
        "\tpoetry run celery -A proj inspect -t 3 ping\n",
        "python -m celery -A proj call a.b --kwargs='{\"a\": 1}'\n",
        "command:\n  - celery\n  - -A\n  - proj\n  - worker\n",
        '  "start": "celery -A proj worker",\n',
        "celery -A a purge -f && celery -A a worker\n",
        "docker compose exec w celery worker; echo ok\n",
    ],
)
def test_a_call_of_celery_becomes_one_of_horarium(text: str) -> None:
    after, found = commands(text)
    assert after == text.replace("celery", "horarium")
    assert {one.verdict for one in found} == {"rewritten"}
    assert commands(after) == (after, [])


@pytest.mark.parametrize(
    "text",
    [
        "# celery -A proj worker\n",
        "services:\n  celery:\n    image: x\n  celery-worker:\n    depends_on:\n      - celery\n      - redis\n",
        "docker compose logs celery\n",
        "systemctl restart celery.service\n",
        "container_name: celery\n",
        "- name: celery worker\n",
        "Description=Celery worker, and celery beat\n",
        'echo "starting celery worker"\n',
        "pip install celery redis\n",
        "from proj.celery worker import\n",
    ],
)
def test_a_word_that_is_no_call_is_left_alone(text: str) -> None:
    assert commands(text) == (text, [])


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("celery -A p worker --detach", "--detach: stay"),
        ("celery -A p worker -D", "-D: stay"),
        ("celery -A p worker --no-such=1", "no option --no-such"),
        ("celery -A p amqp", "no broker"),
        ("celery multi start w1 -A p", "systemd"),
        ("/etc/init.d/celeryd start", "systemd"),
    ],
)
def test_a_call_without_an_equivalent_is_left_to_a_person(text: str, word: str) -> None:
    after, [found] = commands(text)
    assert after == text
    assert found.verdict == "by hand" and word in found.advice


def test_an_option_without_effect_is_told() -> None:
    _, [found] = commands("celery -A p worker -O fair")
    assert found.advice == "horarium -A p worker -O fair; -O has no effect: fair anyway"


def test_a_call_over_several_lines_is_read_whole() -> None:
    after, [found] = commands("celery -A p \\\n  worker \\\n  --no-such\n")
    assert found.verdict == "by hand" and "--no-such" in found.advice
    assert after.startswith("celery")


def test_variables_of_the_environment_are_told() -> None:
    _, [url, flower] = commands("CELERY_BROKER_URL=redis://r\nFLOWER_PORT=5555\n")
    assert "HORARIUM_STORE" in url.advice and "Flower" in flower.advice


def test_bytes_that_are_no_utf8_are_kept() -> None:
    text = b"# caf\xe9\nw: celery -A p worker\n".decode("utf-8", "surrogateescape")
    assert commands(text)[0].encode("utf-8", "surrogateescape") == b"# caf\xe9\nw: horarium -A p worker\n"


@pytest.mark.parametrize(
    "name",
    [
        "Procfile",
        "Dockerfile",
        "Dockerfile.prod",
        "docker-compose.yml",
        "compose.dev.yaml",
        "deploy/celery.service",
        "run.sh",
        "Makefile",
        "supervisord.conf",
        "conf.d/worker.ini",
        "package.json",
        ".env",
        "scripts/start-worker",
    ],
)
def test_files_that_start_processes_are_looked_at(name: str) -> None:
    assert may_call(PurePath(name))


@pytest.mark.parametrize("name", ["README.md", "data.csv", "index.html", "src/celery.js"])
def test_other_files_are_not(name: str) -> None:
    assert not may_call(PurePath(name)) and not names_packages(PurePath(name))


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("celery==5.3.6\n", "horarium\n"),
        ("celery[redis]>=5,<6  # queue\r\n", "horarium[redis]  # queue\r\n"),
        ("Celery[redis, msgpack] ~= 5.3 ; python_version > '3'\n", "horarium[redis] ; python_version > '3'\n"),
        ("django-celery-beat\ncelery", "django-celery-beat\nhorarium"),
    ],
)
def test_celery_among_the_requirements_becomes_horarium(before: str, expected: str) -> None:
    assert packages(before)[0] == expected


def test_dependencies_of_a_pyproject_are_rewritten_and_its_words_are_not() -> None:
    text = '[project]\nkeywords = ["celery"]\ndependencies = ["celery[redis]>=5", "flower"]\n# celery\n'
    after, found = packages(text, "pyproject.toml")
    assert after == text.replace('"celery[redis]>=5"', '"horarium[redis]"')
    assert [(one.what, one.verdict) for one in found] == [("celery[redis]>=5", "rewritten"), ("flower", "note")]


@pytest.mark.parametrize(
    ("text", "path", "word"),
    [
        ("celery==5.3.6 \\\n  --hash=sha256:aa\n", "requirements.txt", "by its hash"),
        ('celery = {extras = ["redis"], version = "^5"}\n', "pyproject.toml", 'extras = ["redis"]'),
        ("django-celery-beat==2.5\n", "requirements/base.txt", "horarium[django]"),
    ],
)
def test_what_cannot_be_rewritten_safely_is_left_to_a_person(text: str, path: str, word: str) -> None:
    after, [found] = packages(text, path)
    assert after == text
    assert found.verdict == "by hand" and word in found.advice


@pytest.mark.parametrize("name", ["flower", "celery-redbeat", "celery-singleton", "kombu", "pytest-celery"])
def test_packages_that_are_not_needed_any_more_are_noted(name: str) -> None:
    _, [found] = packages(f"{name}>=1\n")
    assert found.verdict == "note"


def test_a_lock_file_is_left_to_its_tool() -> None:
    text = '[[package]]\nname = "celery"\n'
    after, [found] = packages(text, "uv.lock")
    assert after == text and "tool" in found.advice
