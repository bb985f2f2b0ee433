"""What leaves this host: to whom, in which form, and to which addresses never."""

from __future__ import annotations

import email
import email.policy
import hashlib
import hmac
import socket
import threading
import time

import pytest
from sinks import HttpSink, Mails

from horarium.alerting import Apprise, Email, Slack, Webhook
from horarium.alerts.channels import send
from horarium.alerts.messages import Item, Message
from horarium.alerts.outgoing import Refused, check_address, post
from horarium.clock import ManualClock, SystemClock

CLOCK = SystemClock()
MESSAGE = Message(
    id="abc",
    at=1_767_225_600_000,
    occasion="firing",
    app="shop",
    rule="task_failed",
    title="[shop] FIRING: Task failed: shop.mail · <!channel> *x*",
    body="line one\nline two",
    items=(Item(name="shop.mail", text="E: x", since=1_767_225_600_000, count=2),),
    number=1,
    count=2,
    since=1_767_225_600_000,
    key="k",
)

NOT_PUBLIC = """
127.0.0.1 127.8.9.1 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 192.0.2.1
198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:7f00:1 fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 ff02::1
fec0::1 2001:db8::1 64:ff9b::7f00:1 64:ff9b::169.254.169.254 2002:7f00:1:: 2002:a9fe:a9fe:: 2001:0:7f00:1::1 nonsense
64:ff9b:1::7f00:1 ::ffff:0:127.0.0.1 192.0.0.8 192.88.99.1 3fff::1 5f00::1
""".split()


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public_is_refused_however_it_is_wrapped(address: str) -> None:
    with pytest.raises(Refused):
        check_address(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_a_public_address_is_not_refused(address: str) -> None:
    check_address(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0"],
)
def test_no_spelling_of_this_host_is_connected_to(sink: HttpSink, host: str) -> None:
    port = sink.url.rpartition(":")[2]
    answer = post(f"http://{host}:{port}", b"{}", {}, clock=CLOCK)
    assert answer.trouble is not None and answer.is_final
    assert sink.received == []


def test_one_private_address_among_public_ones_is_enough_to_refuse(sink: HttpSink) -> None:
    answer = post(sink.url, b"{}", {}, clock=CLOCK, resolve=lambda host, port: ["8.8.8.8", "127.0.0.1"])
    assert answer.trouble == "its name leads to a private address; allow_private=True allows that"


def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_for_once(sink: HttpSink) -> None:
    asked: list[str] = []

    def once(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["8.8.8.8"]

    url = sink.url.replace("127.0.0.1", "hooks.example")
    assert post(url, b"{}", {}, clock=CLOCK, allow_private=True, resolve=once).trouble is None
    assert asked == ["hooks.example"]
    assert sink.received[0].headers["Host"].startswith("hooks.example:")


def test_a_name_that_nobody_answers_for_takes_no_longer_than_all_the_rest(sink: HttpSink) -> None:
    is_over = threading.Event()

    def slow(host: str, port: int) -> list[str]:
        is_over.wait(30)
        return ["127.0.0.1"]

    asked = {"clock": SystemClock(), "allow_private": True, "resolve": slow, "limit": 0.2}
    began = time.monotonic()
    try:
        answer = post(sink.url, b"{}", {}, **asked)  # type: ignore[arg-type]
        assert (answer.trouble, answer.is_final) == ("it took longer than 0.2 s", False)
        assert time.monotonic() - began < 10
    finally:
        is_over.set()
    assert sink.received == []


def test_a_name_that_leads_nowhere_is_said(sink: HttpSink) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    answer = post(sink.url, b"{}", {}, clock=CLOCK, resolve=fail)
    assert answer.trouble == "it cannot be reached: Name or service not known"


def test_no_proxy_of_the_environment_is_asked(sink: HttpSink, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    assert post(sink.url, b"{}", {}, clock=CLOCK, allow_private=True).trouble is None


def test_a_redirect_is_not_followed(sink: HttpSink) -> None:
    sink.statuses, sink.location = [302], sink.url
    answer = post(sink.url, b"{}", {}, clock=CLOCK, allow_private=True)
    assert answer.trouble == "it answered 302, a redirect, which is not followed"
    assert len(sink.received) == 1


@pytest.mark.parametrize(("status", "is_final"), [(500, False), (503, False), (429, False), (400, True), (404, True)])
def test_what_may_be_otherwise_later_is_tried_again(sink: HttpSink, status: int, is_final: bool) -> None:
    sink.statuses = [status]
    answer = post(sink.url, b"{}", {}, clock=CLOCK, allow_private=True)
    assert (answer.trouble, answer.is_final) == (f"it answered {status}", is_final)


@pytest.mark.parametrize("drip", [b"H", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 80_000, b"SSH-2.0-x\r\n\r\n"])
def test_an_answer_that_drips_or_never_ends_or_is_none_is_left(drip: bytes) -> None:
    """The clock stands still but for each look at it: so the time is up after some of them, whatever a read waits."""

    class Quick(ManualClock):
        def monotonic(self) -> float:
            self.advance(1.0)
            return super().monotonic()

    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    connection.recv(65_536)
                    while True:
                        connection.sendall(drip)
                        if not connection.recv(1):  # the other side has left
                            return
                except OSError:
                    return  # so it has, in the middle of what we sent

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        answered = post(url, b"{}", {}, clock=Quick(), allow_private=True, limit=8.0 if len(drip) > 1 else 4.5)
    assert answered.trouble in ("it took longer than 4.5 s", "it took longer than 8 s", "its answer is not HTTP")
    thread.join(10)
    assert not thread.is_alive()


def test_a_webhook_is_signed_and_its_json_has_no_secret(sink: HttpSink) -> None:
    channel = Webhook(url=sink.url + "?a=b", secret="s3cret", allow_private=True)
    assert send(channel, MESSAGE, clock=CLOCK).trouble is None
    [got] = sink.received
    assert got.path == "/hook?a=b"
    at, mac = (part.partition("=")[2] for part in got.headers["Horarium-Signature"].split(","))
    assert mac == hmac.new(b"s3cret", f"{at}.".encode() + got.body, hashlib.sha256).hexdigest()
    assert abs(int(at) * 1000 - CLOCK.now()) < 60_000
    assert got.headers["Horarium-Delivery"] == got.json["id"] == "abc"
    assert (got.json["occasion"], got.json["rule"], got.json["key"]) == ("firing", "task_failed", "k")
    assert got.json["about"] == [
        {"name": "shop.mail", "text": "E: x", "since": "2026-01-01T00:00:00.000Z", "count": 2, "last_good": None}
    ]
    assert b"s3cret" not in got.body
    assert "s3cret" not in f"{channel!r} {channel}" and sink.url not in f"{channel!r}"


def test_slack_is_sent_text_in_which_nothing_is_markup(sink: HttpSink) -> None:
    assert send(Slack(url=sink.url, allow_private=True), MESSAGE, clock=CLOCK).trouble is None
    text = sink.received[0].json["text"]
    assert "<" not in text and "&lt;!channel&gt;" in text
    assert text.startswith("*[shop] FIRING")


def test_a_mail_says_the_same_and_belongs_to_its_outbreak(mails: Mails) -> None:
    channel = Email(to=("ops@shop.example", "bo@shop.example"), sender="horarium@shop.example", port=mails.port)
    assert send(channel, MESSAGE, clock=CLOCK).trouble is None
    [got] = mails.received
    assert got.to == ["ops@shop.example", "bo@shop.example"]
    mail = email.message_from_bytes(got.content, policy=email.policy.default)
    assert mail["Subject"] == MESSAGE.title
    assert mail["References"] == "<k@shop.example>"
    body = mail.get_body()
    assert body is not None and body.get_content().splitlines() == ["line one", "line two"]


def test_a_mail_server_that_takes_none_or_is_not_there_is_said(mails: Mails) -> None:
    refused = Email(to=("nobody@shop.example",), sender="horarium@shop.example", port=mails.port)
    assert send(refused, MESSAGE, clock=CLOCK).trouble == "the mail server takes no mail for these receivers"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    absent = Email(to=("a@b",), sender="c@d", port=port, host="127.0.0.1")
    assert "the mail server cannot be used: Connection refused" in (send(absent, MESSAGE, clock=CLOCK).trouble or "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of modules that apprise imports
def test_whatever_apprise_can_reach_is_reached(sink: HttpSink) -> None:
    place = sink.url.removeprefix("http://").removesuffix("/hook")
    assert send(Apprise(urls=(f"json://{place}/other",)), MESSAGE, clock=CLOCK).trouble is None
    assert sink.received[0].json["title"] == MESSAGE.title
    wrong = send(Apprise(urls=("nonsense://x",)), MESSAGE, clock=CLOCK)
    assert wrong.trouble == "apprise does not understand one of its urls"
