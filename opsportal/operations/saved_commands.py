"""Commands for run task that the team keeps: typed parameters, put safely into the line, offered by role."""

import re
import shlex
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction

from opsportal.accounts import queries as accounts
from opsportal.accounts.grants import PLACES, ROLES
from opsportal.accounts.models import Person
from opsportal.accounts.rules import Permission
from opsportal.audit import actions as audit
from opsportal.environments.models import Environment
from opsportal.operations.models import SavedCommand
from opsportal.operations.registry import BadParameter

#: Type of a parameter → what it is, in words.
TYPES: Mapping[str, str] = {
    "text": "any text on one line",
    "number": "a whole number",
    "date": "a date, YYYY-MM-DD",
    "email": "an e-mail address",
    "choice": "one of a list",
    "yes_no": "yes or no",
}
LONGEST = 300
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{1,60}")
_NUMBER = re.compile(r"-?[0-9]{1,18}")


@dataclass(frozen=True)
class Asked:
    """One typed parameter of a saved command."""

    name: str
    title: str
    type: str
    choices: tuple[str, ...] = ()
    required: bool = True

    @property
    def help(self) -> str:
        """What may be typed."""
        return ", ".join(self.choices) if self.type == "choice" else TYPES[self.type].capitalize()


def parameters(saved: SavedCommand) -> list[Asked]:
    """Its parameters, in order."""
    return [
        Asked(
            each["name"], each.get("title") or each["name"], each.get("type", "text"),
            tuple(each.get("choices", ())), each.get("required", True),
        )
        for each in saved.parameters
    ]  # fmt: skip


def line(command: str, asked: Sequence[Asked], typed: Mapping[str, str]) -> str:
    """The command with its parameters put in, each quoted as one word for the shell. Raises BadParameter."""
    words = {}
    for each in asked:
        value = typed.get(each.name, "").strip()
        if each.required and not value:
            raise BadParameter(each.name, f"{each.title} is needed.")
        if value:
            _judge(each, value)
        words[each.name] = shlex.quote(value) if value else ""
    return command.format_map(words)


def title_of(title: str, line: str) -> str:
    """The title, if a line can be what the saved command of that title makes; empty if it cannot, or there is none."""
    saved = SavedCommand.objects.filter(title=title.strip()).first() if title.strip() else None
    if saved is None:
        return ""
    return saved.title if _could_make(saved.command, line.strip()) else ""


def _could_make(command: str, line: str) -> bool:
    """Whether what stands between the parameters stands in the line too, in the same order."""
    parts = list(string.Formatter().parse(command))
    fixed = "".join(text for text, _, _, _ in parts)
    if all(name is None for _, name, _, _ in parts):
        return line == fixed
    first, *rest = [text for text, _, _, _ in parts]
    last = rest.pop() if rest and parts[-1][1] is None else ""
    # An optional parameter at the end that was left out leaves a blank, which a line loses.
    line = line if last else f"{line} "
    if not (line.startswith(first) and line.endswith(last) and len(line) >= len(fixed)):
        return False
    at, end = len(first), len(line) - len(last)
    for text in rest:
        found = line.find(text, at, end)
        if found < 0:
            return False
        at = found + len(text)
    return True


def _judge(asked: Asked, value: str) -> None:
    if len(value) > LONGEST or not value.isprintable():
        raise BadParameter(asked.name, f"{asked.title} takes one line of at most {LONGEST} characters.")
    good = {
        "number": lambda: bool(_NUMBER.fullmatch(value)),
        "date": lambda: _is_date(value),
        "email": lambda: bool(_EMAIL.fullmatch(value)),
        "choice": lambda: value in asked.choices,
        "yes_no": lambda: value in {"yes", "no"},
    }.get(asked.type)
    if good is not None and not good():
        raise BadParameter(asked.name, f"{asked.title} takes {asked.help[:1].lower()}{asked.help[1:]}.")


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def offered(environment: Environment, person: Person) -> list[SavedCommand]:
    """Those this person is offered on this environment."""
    return [
        each
        for each in SavedCommand.objects.all()
        if (not each.places or environment.kind in each.places)
        and (not each.roles or person.role_names & set(each.roles))
    ]


def described(text: str) -> list[dict[str, Any]]:
    """Parameters as typed, one a line: ``name: type: title`` (``name?`` is optional; ``choice a|b|c``).

    Raises BadParameter naming the line that cannot be read.
    """
    found: list[dict[str, Any]] = []
    for number, row in enumerate((each.strip() for each in text.splitlines()), 1):
        if not row:
            continue
        name, _, rest = row.partition(":")
        kind, _, title = rest.partition(":")
        name, kind = name.strip(), kind.strip() or "text"
        optional, name = name.endswith("?"), name.removesuffix("?")
        kind, _, choices = kind.partition(" ")
        listed = [each.strip() for each in choices.split("|") if each.strip()]
        if not _NAME.fullmatch(name) or kind not in TYPES or (kind == "choice") != bool(listed):
            known = ", ".join(each for each in TYPES if each != "choice")
            raise BadParameter(
                "parameters",
                f"Line {number}, “{row[:60]}”, cannot be read. Write “name: type: title”, with a type of {known}, "
                "or “choice one|two”; a name of small letters, digits and underscores, with ? when optional.",
            )
        if name in {each["name"] for each in found}:
            raise BadParameter("parameters", f"Two parameters are called {name}.")
        found.append(
            {
                "name": name,
                "type": kind,
                "title": title.strip() or name,
                "choices": listed,
                "required": not optional,
            }
        )
    return found


def as_text(saved: SavedCommand) -> str:
    """Its parameters as :func:`described` reads them."""
    rows = []
    for each in parameters(saved):
        kind = f"choice {'|'.join(each.choices)}" if each.type == "choice" else each.type
        rows.append(f"{each.name}{'' if each.required else '?'}: {kind}: {each.title}")
    return "\n".join(rows)


def check_command(command: str, named: Sequence[Mapping[str, Any]]) -> None:
    """Every ``{name}`` of the command is a parameter, and the other way round. Raises BadParameter."""
    try:
        parts = list(string.Formatter().parse(command))
    except ValueError as error:
        raise BadParameter("command", f"Its braces do not match: {error}. Write {{{{ for a brace.") from error
    used = {name for _, name, _, _ in parts if name is not None}
    plain = all(not spec and not conversion for _, name, spec, conversion in parts if name is not None)
    known = {str(each["name"]) for each in named}
    if not plain or used - known:
        odd = ", ".join(sorted(used - known)) or "a format"
        raise BadParameter("command", f"It names {odd}, which is no parameter below.")
    if known - used:
        raise BadParameter("parameters", f"The command does not use {', '.join(sorted(known - used))}.")
    if not command.strip() or not command.isprintable():
        raise BadParameter("command", "Give one line.")


def save(
    *, title: str, what: str, command: str, asked: str, roles: Sequence[str], places: Sequence[str],
    by: Person, saved: SavedCommand | None = None,
) -> SavedCommand:  # fmt: skip
    """Keep a command, new or changed. Leads and admins may. Raises Refused or BadParameter."""
    accounts.require(by, Permission.SAVE_COMMANDS)
    named = described(asked)
    check_command(command, named)
    if unknown := (set(roles) - ROLES.keys()) | (set(places) - set(PLACES)):
        raise BadParameter("roles", f"There is no {', '.join(sorted(unknown))}.")
    values = {
        "title": title.strip(), "what": what.strip(), "command": command.strip(), "parameters": named,
        "roles": sorted(roles), "places": sorted(places), "made_by": by.username,
    }  # fmt: skip
    try:
        with transaction.atomic():
            if saved is None:
                saved = SavedCommand.objects.create(**values)
            else:
                SavedCommand.objects.filter(pk=saved.pk).update(**values)
                saved.refresh_from_db()
            _audit(by, "command.save", saved)
    except IntegrityError:
        raise BadParameter("title", "Another saved command has this title.") from None
    return saved


def remove(*, saved: SavedCommand, by: Person) -> None:
    """Forget a command. Raises Refused."""
    accounts.require(by, Permission.SAVE_COMMANDS)
    with transaction.atomic():
        _audit(by, "command.remove", saved)
        saved.delete()


def _audit(by: Person, action: str, saved: SavedCommand) -> None:
    audit.record(
        actor=by.username, action=action, target=saved.title, target_kind="command",
        details={"command": saved.command, "roles": saved.roles, "places": saved.places},
    )  # fmt: skip
