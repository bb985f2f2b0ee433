"""LabControl as its users run it: its own tests, its mail server, and the whole of it.

In processes of their own: Django's settings are those of a process, and every example has a package ``outside``.
"""

from __future__ import annotations

import os
import re
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from watching import missing, watch

LABCONTROL = Path(__file__).parents[2] / "examples" / "labcontrol"
PATIENCE = 60  # seconds; a wait ends as soon as its fact is there


@contextmanager
def mail_server(nth: int, *options: str, patience: float = PATIENCE) -> Iterator[smtplib.SMTP]:
    """Speak to a mail server of the example's, which is gone when the block ends."""
    command = [sys.executable, "-m", "outside.mail_server", "--port", "0", "--nth", str(nth), *options]
    with subprocess.Popen(command, cwd=LABCONTROL, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            where = re.search(r"127\.0\.0\.1:(\d+)", server.stdout.readline())
            assert where is not None
            with smtplib.SMTP("127.0.0.1", int(where[1]), timeout=patience) as client:
                yield client
            server.terminate()
            assert server.wait(PATIENCE) == 0
        finally:
            server.kill()


def surroundings(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "DATABASE_URL")}
    return {**kept, "LABCONTROL_RUN": str(folder)}


def send(client: smtplib.SMTP, *recipients: str) -> dict[str, tuple[int, bytes]]:
    return client.sendmail("lab@lab.example", recipients, "Subject: hello\r\n\r\nIt is time.")


def test_every_third_mail_is_put_off() -> None:
    with mail_server(nth=3) as client:
        assert send(client, "ada@people.example") == send(client, "lise@people.example") == {}
        with pytest.raises(smtplib.SMTPDataError, match="Try again later") as refused:
            send(client, "ada@people.example")
        assert refused.value.smtp_code == 451
        assert send(client, "ada@people.example") == {}


def test_one_of_the_people_has_no_mailbox() -> None:
    with mail_server(nth=0) as client:
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            send(client, "gone@people.example")
        assert refused.value.recipients["gone@people.example"][0] == 550
        assert send(client, "gone@people.example", "ada@people.example").keys() == {"gone@people.example"}


def test_the_first_mails_get_what_was_asked_for_silence_too() -> None:
    with mail_server(0, "--first", "451,250,silence", patience=2.0) as client:
        with pytest.raises(smtplib.SMTPDataError, match="Try again later"):
            send(client, "ada@people.example")
        assert send(client, "ada@people.example") == {}
        with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
            send(client, "ada@people.example")


def test_its_own_tests_pass(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "manage.py", "test", "--settings", "config.settings.test"],
        cwd=LABCONTROL,
        env=surroundings(tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ran [1-9]\d* tests", done.stderr)


def test_its_migrations_are_those_of_its_models(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
        cwd=LABCONTROL,
        env=surroundings(tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(2 * PATIENCE)
def test_the_whole_fires_fails_retries_and_succeeds(tmp_path: Path) -> None:
    shown = watch("labcontrol", tmp_path)
    assert missing(shown) == [], shown
    for fired in ("[send-appointment-reminders]", "[tell-everybody]", "[process-large-file]"):
        assert fired in shown, shown
    for ended in (r"send_\w+ +RETRY .*451", r"send_\w+ +SUCCESS", r"send_email_notification +FAILURE .*550"):
        assert re.search(ended, shown), shown
