"""Send one message by one channel; tell what became of it. Each channel is a function of its own."""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime

from horarium.alerting import Apprise, Channel, Email, Slack, Webhook
from horarium.alerts.messages import Message, slack_body, webhook_body
from horarium.alerts.outgoing import LIMIT, Answer, post
from horarium.clock import Clock, to_datetime
from horarium.version import __version__

SIGNATURE = "Horarium-Signature"
AGENT = f"Horarium/{__version__}"
JSON = {"Content-Type": "application/json", "User-Agent": AGENT}


def send(channel: Channel, message: Message, *, clock: Clock) -> Answer:
    """Send a message. Blocks for LIMIT or so at the most, by mail for each step of it. Never raises: one message that
    cannot be sent must not hold up those behind it."""
    try:
        return _sent(channel, message, clock)
    except Exception as error:  # noqa: BLE001  # of a library: an address it cannot write, a fault of a plugin
        return Answer(trouble=f"it cannot be sent so: {type(error).__name__}; look at the channel's setting")


def signature(secret: str, at_s: int, body: bytes) -> str:
    """Return what a receiver compares: ``t=1767225600,v1=...``, HMAC-SHA256 of ``1767225600.`` and the body, in hex."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256)
    return f"t={at_s},v1={mac.hexdigest()}"


def _sent(channel: Channel, message: Message, clock: Clock) -> Answer:
    match channel:
        case Webhook():
            return _by_webhook(channel, message, clock)
        case Slack():
            return post(channel.url, slack_body(message), JSON, clock=clock, allow_private=channel.allow_private)
        case Email():
            return _by_mail(channel, message)
        case Apprise():
            return _by_apprise(channel, message)


def _by_webhook(channel: Webhook, message: Message, clock: Clock) -> Answer:
    body = webhook_body(message)
    headers = JSON | {"Horarium-Delivery": message.id}
    if channel.secret:
        headers[SIGNATURE] = signature(channel.secret, clock.now() // 1000, body)
    return post(channel.url, body, headers, clock=clock, allow_private=channel.allow_private)


def _by_mail(channel: Email, message: Message) -> Answer:
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.to)
    mail["Date"] = format_datetime(to_datetime(message.at))
    mail["Message-ID"] = f"<{message.id}@{channel.sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence answers it
    if message.key:
        mail["References"] = f"<{message.key}@{channel.sender.partition('@')[2]}>"  # one thread for one outbreak
    mail.set_content(message.body + "\n")
    try:
        with _mail_server(channel) as server:
            if channel.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if channel.user:
                server.login(channel.user, channel.password)
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused:
        return Answer(trouble="the mail server takes no mail for these receivers")
    except smtplib.SMTPResponseException as error:
        return Answer(trouble=f"the mail server answered {error.smtp_code}")
    except (OSError, smtplib.SMTPException) as error:
        return Answer(trouble=f"the mail server cannot be used: {getattr(error, 'strerror', None) or error}")
    return Answer()


def _mail_server(channel: Email) -> smtplib.SMTP:
    if channel.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(channel.host, channel.port, timeout=LIMIT, context=context)
    return smtplib.SMTP(channel.host, channel.port, timeout=LIMIT)


def _by_apprise(channel: Apprise, message: Message) -> Answer:
    try:
        import apprise
    except ImportError:
        return Answer(
            trouble="the library apprise is not installed here: pip install 'horarium[alerts]'", is_final=True
        )
    kinds = {
        "recovered": apprise.NotifyType.SUCCESS,
        "test": apprise.NotifyType.INFO,
        "digest": apprise.NotifyType.WARNING,
    }
    others = apprise.Apprise()
    for url in channel.urls:
        if not others.add(url):
            return Answer(trouble="apprise does not understand one of its urls")
    kind = kinds.get(message.occasion, apprise.NotifyType.FAILURE)
    was_sent = others.notify(
        body=message.body, title=message.title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT
    )
    return Answer() if was_sent else Answer(trouble="apprise could not send it; its own log says why")
