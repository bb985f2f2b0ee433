"""What the mail server's answers mean."""

from smtplib import SMTPRecipientsRefused

PERMANENT = 500  # codes from here on: trying again is of no use


def is_refused_for_good(error: SMTPRecipientsRefused) -> bool:
    """Whether none of the recipients will ever be accepted."""
    return all(code >= PERMANENT for code, _ in error.recipients.values())
