"""Sending one message by e-mail. A mail server cannot be asked what it took: what may have gone is not sent again."""

import hashlib
import smtplib
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse

from opsportal.notifications import places, render, store
from opsportal.notifications.models import Message

_NO_MORE = (
    "The sender ended, or the mail server fell silent, while it was sent. It is not sent again by itself."
)


def send(message: Message) -> None:
    """Send a claimed message and keep how it went."""
    if message.intent_at is not None:
        store.leave_unknown(message, _NO_MORE)
        return
    address = message.person.email if message.person else ""
    if not address:
        store.give_up(message, "The person has no e-mail address.")
        return
    if not places.email_is_configured():
        store.put_off(message, "E-mail is not configured any more. Set EMAIL_URL.")
        return
    try:
        connection = get_connection()
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        store.put_off(message, f"The mail server cannot be reached: {_words(error)}.")
        return
    if store.intend(message, place=address):
        _hand_over(message, connection)


def _hand_over(message: Message, connection: BaseEmailBackend) -> None:
    try:
        connection.send_messages([_mail(message)])
        store.sent(message, place=message.place)
    except smtplib.SMTPServerDisconnected:
        store.leave_unknown(message, _NO_MORE)
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPResponseException) as refused:
        _refused(message, refused)
    except (OSError, smtplib.SMTPException):
        store.leave_unknown(message, _NO_MORE)
    finally:
        _close(connection)


def _refused(message: Message, refused: smtplib.SMTPException) -> None:
    """The server said no, so it was not sent; from 500 on for good."""
    words = f"The mail server refuses it: {_words(refused)}."
    if _code(refused) >= 500:
        store.give_up(message, words)
    else:
        store.put_off(message, words)


def _code(error: BaseException) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((int(code) for code, _ in error.recipients.values()), default=0)
    return int(getattr(error, "smtp_code", 0) or 0)


def _words(error: BaseException) -> str:
    """What kind of failure it is. Never a server's own text: it may repeat what was sent to it."""
    code = _code(error)
    return f"{type(error).__name__}{f' {code}' if code else ''}"


def _close(connection: BaseEmailBackend) -> None:
    try:
        connection.close()
    except (OSError, smtplib.SMTPException):
        return


def _mail(message: Message) -> EmailMessage:
    """The letter. Its Message-ID is always the same, so that a mailbox can tell a repeat."""
    host = urlsplit(settings.PUBLIC_URL).hostname or "opsportal"
    headers = {"Message-ID": f"<{message.id}@{host}>", "Auto-Submitted": "auto-generated"}
    if message.topic:
        topic = hashlib.sha256(message.topic.encode()).hexdigest()[:24]
        headers["References"] = f"<topic-{topic}@{host}>"
    here = settings.PUBLIC_URL.rstrip("/") + reverse("notifications:mine")
    return EmailMessage(
        render.email_subject(message.payload),
        render.email_text(message.payload, here),
        settings.DEFAULT_FROM_EMAIL,
        [message.place],
        headers=headers,
    )
