"""A mail server on loopback (aiosmtpd), with moods decided by counting messages, never by chance.

``python -m outside.mail_server`` runs it by hand, where the settings look for it, and tells of each mail.
"""

from __future__ import annotations

import argparse
import asyncio
import email
import email.policy
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count

from aiosmtpd.smtp import SMTP, Envelope, Session

LOOPBACK = "127.0.0.1"
PORT = 8025
NTH = 4
GONE = "gone@"  # how addresses begin that have no mailbox
ACCEPTED = "250 2.0.0 OK"
LATER = "451 4.3.0 Try again later"
NO_MAILBOX = "550 5.1.1 No such mailbox"
SILENCE = "silence"  # the message is taken, and nothing comes back as long as anybody would wait
SILENCE_S = 60.0
MOODS = {"250": ACCEPTED, "451": LATER, SILENCE: SILENCE}


class Mailboxes:
    """Takes mail, counts it by recipient, and tells of it. Every ``nth`` message is put off by 451; 0: none. The
    ``first`` messages get these answers instead: keys of MOODS."""

    def __init__(self, nth: int = NTH, first: Sequence[str] = (), *, tells: bool = False) -> None:
        self.received: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self._tells = tells
        later = (LATER if nth and number % nth == 0 else ACCEPTED for number in count(1))
        self._moods = chain([MOODS[each] for each in first], later)

    async def handle_RCPT(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith(GONE):
            return self._answer(NO_MAILBOX, address)
        envelope.rcpt_tos.append(address)
        return ACCEPTED

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        recipients = ", ".join(envelope.rcpt_tos)
        mood = next(self._moods)
        if mood == SILENCE:
            self._answer(SILENCE, recipients)
            await asyncio.sleep(SILENCE_S)
        if mood != ACCEPTED:
            return self._answer(LATER, recipients)
        self.received.update(envelope.rcpt_tos)
        subject = email.message_from_bytes(bytes(envelope.content or b""), policy=email.policy.default)["Subject"]
        return self._answer(ACCEPTED, f"{recipients}: {subject}")

    def _answer(self, answer: str, what: str) -> str:
        self.answers[answer] += 1
        if self._tells:
            print(f"{answer.partition(' ')[0]} mail to {what}", flush=True)
        return answer


class MailServer:
    """Serves in a thread of its own from ``start`` to ``stop``."""

    def __init__(self, mailboxes: Mailboxes, port: int) -> None:
        self._mailboxes = mailboxes
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._loop.create_server(self._session, LOOPBACK, port))
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    def _session(self) -> SMTP:
        return SMTP(self._mailboxes, hostname="mail.lab.example", loop=self._loop)


@contextmanager
def mail_server(mailboxes: Mailboxes, port: int = 0) -> Iterator[int]:
    """Serve until the block ends; gives the port (0: any that is free)."""
    server = MailServer(mailboxes, port)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m outside.mail_server")
    parser.add_argument("--port", type=int, default=PORT, help="(%(default)s)")
    parser.add_argument("--nth", type=int, default=NTH, help="put off every so many-th mail; 0: none (%(default)s)")
    parser.add_argument("--first", default="", help="what the first mails get instead, such as 451,silence,250")
    choices = parser.parse_args()
    first = [mood for mood in choices.first.split(",") if mood]
    mailboxes = Mailboxes(choices.nth, first, tells=True)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with mail_server(mailboxes, choices.port) as port:
        print(f"mail server at {LOOPBACK}:{port}; Ctrl-C to stop", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
