"""Where something is told: a group's channel, a person's chosen ways. Settings and rows, no network."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings

from opsportal.accounts.models import Person
from opsportal.notifications.models import Channel, Preference, Way
from opsportal.notifications.words import DEV, GROUPS, OWN, SUBJECTS

#: What a person may choose for a subject.
CHOICES = {"slack": "Slack", "email": "E-mail", "both": "Slack and e-mail", "none": "Not at all"}
_WAYS: dict[str, tuple[Way, ...]] = {
    "slack": (Way.SLACK,),
    "email": (Way.EMAIL,),
    "both": (Way.SLACK, Way.EMAIL),
    "none": (),
}
DEFAULT = "slack"
_DEFAULTS = {OWN: "none"}


@dataclass(frozen=True)
class Place:
    """A group's channel in Slack: the group it was set for, and its name or ID."""

    group: str
    name: str


def slack_is_configured() -> bool:
    """Whether the portal has what it needs to write to Slack."""
    return bool(settings.SLACK_API_URL and settings.SLACK_TOKEN)


def email_is_configured() -> bool:
    """Whether the portal may send e-mail."""
    return bool(settings.EMAIL_URL)


def default_channel(group: str) -> str:
    """What the settings name for a group; "" for none."""
    return {
        DEV: settings.SLACK_CHANNEL_DEV,
        "product": settings.SLACK_CHANNEL_PRODUCT,
        "admins": settings.SLACK_CHANNEL_ADMINS,
    }.get(group, "")


def channel_of(group: str) -> Place | None:
    """The channel in which a group is told: its own, else the developers'; None when there is none or no Slack."""
    if not slack_is_configured():
        return None
    kept = dict(Channel.objects.values_list("group", "name"))
    for each in (group, DEV):
        name = kept.get(each, default_channel(each))
        if name:
            return Place(each, name)
    return None


def channels() -> dict[str, str]:
    """Each group's own channel as it is set now; "" where it has none."""
    kept = dict(Channel.objects.values_list("group", "name"))
    return {group: kept.get(group, default_channel(group)) for group in GROUPS}


def ways_of(people: Iterable[Person], subject: str) -> Iterator[tuple[Person, tuple[Way, ...]]]:
    """Each person with the ways that they chose and that can be used now.

    Without Slack, what would go there goes by e-mail; an address is needed for that.
    """
    wanted = list(people)
    chosen = dict(Preference.objects.filter(person__in=wanted).values_list("person_id", "ways"))
    slack, email = slack_is_configured(), email_is_configured()
    for person in wanted:
        ways = _WAYS[_choice(chosen.get(person.pk), subject)]
        usable = {way for way in ways if slack or way != Way.SLACK}
        if ways and not usable:
            usable = {Way.EMAIL}
        if not (email and person.email):
            usable.discard(Way.EMAIL)
        yield person, tuple(sorted(usable))


def _choice(ways: object, subject: str) -> str:
    """What was chosen for a subject, else what holds for everybody."""
    choice = ways.get(subject) if isinstance(ways, dict) else None
    return str(choice) if choice in _WAYS else _DEFAULTS.get(subject, DEFAULT)


def choices_of(person: Person) -> dict[str, str]:
    """What a person chose for each subject, or what holds without a choice."""
    ways = Preference.objects.filter(pk=person.pk).values_list("ways", flat=True).first()
    return {subject: _choice(ways, subject) for subject in SUBJECTS}
