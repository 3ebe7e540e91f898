"""What can go wrong with Slack, in words with a remedy. No token, body or address of ours stands in any of them."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_CODE = re.compile(r"\A[a-z0-9_]{1,60}\Z")

#: Slack's error → what it means, and what helps.
WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "not_in_channel": ("The app is not in the channel.", "Invite it there: /invite and the app's name."),
        "channel_not_found": (
            "There is no such channel, or it is private and the app is not in it.",
            "Check the channel's name, and invite the app if it is private.",
        ),
        "is_archived": ("The channel is archived.", "Choose another channel."),
        "users_not_found": ("Slack knows nobody with this e-mail address.", "Give the Slack member ID."),
        "user_not_found": ("Slack knows nobody with this member ID.", "Correct the member ID."),
        "user_disabled": ("The person's Slack account is deactivated.", "Choose e-mail."),
        "cannot_dm_bot": ("The member ID is a bot's.", "Correct the member ID."),
        "invalid_auth": ("Slack does not accept the token.", "Set SLACK_TOKEN anew."),
        "not_authed": ("No token was sent.", "Set SLACK_TOKEN."),
        "token_revoked": ("The token was revoked.", "Set SLACK_TOKEN anew."),
        "token_expired": ("The token has expired.", "Set SLACK_TOKEN anew."),
        "account_inactive": ("The app was removed from the workspace.", "Install it again."),
        "missing_scope": (
            "The app may not do this.",
            "Give it the scopes that docs/notifications.md lists, and install it again.",
        ),
        "restricted_action": ("The workspace does not let the app post there.", "Ask a workspace admin."),
        "ratelimited": ("Slack asks to wait.", "Nothing to do: it is sent later."),
        "rate_limited": ("Slack asks to wait.", "Nothing to do: it is sent later."),
        "msg_too_long": ("The message is too long for Slack.", "Tell it in another way."),
        "no_text": ("The message is empty.", "Tell it in another way."),
        "invalid_blocks": ("Slack cannot read the message.", "Report it: the portal wrote it wrongly."),
        "invalid_arguments": ("Slack cannot read the request.", "Report it: the portal wrote it wrongly."),
        "thread_not_found": ("The thread is gone.", "Nothing to do: a new one is begun."),
        "fatal_error": ("Slack failed.", "Nothing to do: it is tried again."),
        "internal_error": ("Slack failed.", "Nothing to do: it is tried again."),
        "service_unavailable": ("Slack is not available.", "Nothing to do: it is tried again."),
        "request_timeout": ("Slack did not get the whole request.", "Nothing to do: it is tried again."),
    }
)
#: These are about the message itself: sending it again would be refused again.
ABOUT_MESSAGE: Final = frozenset({"msg_too_long", "no_text", "invalid_blocks", "invalid_arguments"})
#: These are about the person: they cannot be reached in Slack.
ABOUT_PERSON: Final = frozenset(
    {"users_not_found", "user_not_found", "user_disabled", "cannot_dm_bot", "messages_tab_disabled"}
)
#: Slack says of these that something may have been done nevertheless.
PERHAPS_DONE: Final = frozenset({"fatal_error", "internal_error"})
#: Slack's own troubles: the same request may be answered well later.
SLACKS_OWN: Final = PERHAPS_DONE | {"service_unavailable", "request_timeout", "team_added_to_org"}


class SlackError(Exception):
    """Anything that keeps Slack from doing what was asked. ``str()`` is safe to show and to log.

    ``maybe_done``: it may have been carried out: look for what it would have made before asking again.
    """

    def __init__(self, words: str, remedy: str = "", *, code: str = "", maybe_done: bool = False) -> None:
        """Keep what is known of the failure."""
        super().__init__(f"{words} {remedy}".strip())
        self.code, self.maybe_done = code, maybe_done


class Refused(SlackError):
    """Slack answered ``ok: false``; ``code`` is its own word for why."""

    @property
    def about_message(self) -> bool:
        """Whether this message will never be taken."""
        return self.code in ABOUT_MESSAGE

    @property
    def about_person(self) -> bool:
        """Whether the person cannot be reached in Slack."""
        return self.code in ABOUT_PERSON

    @property
    def no_thread(self) -> bool:
        """Whether the thread to reply in is gone."""
        return self.code in {"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message"}


class RateLimited(SlackError):
    """Too many requests; nothing was done. ``retry_after`` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        """Keep how long to wait."""
        super().__init__(*WORDS["ratelimited"], code="ratelimited")
        self.retry_after = retry_after


class Unavailable(SlackError):
    """No connection, no answer in time, 5xx, or a trouble of Slack's own."""


class BadAnswer(SlackError):
    """An answer that is not Slack's."""


def refusal(code: str, needed: str = "") -> SlackError:
    """The error for an ``ok: false``; a code that is not known is shown, when it is shaped like one."""
    shown = code if _CODE.match(code) else "an error without a name"
    words, remedy = WORDS.get(code, (f"Slack refuses: {shown}.", "See docs/notifications.md."))
    if code == "missing_scope" and re.fullmatch(r"[a-z:._,]{1,200}", needed):
        remedy = f"Give it the scope {needed} and install it again."
    if code in SLACKS_OWN:
        return Unavailable(words, remedy, code=code, maybe_done=code in PERHAPS_DONE)
    return Refused(words, remedy, code=shown)
