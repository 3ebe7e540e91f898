"""Who works on the sample application: the authors of its history, and the people who can sign in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Member:
    """One person: the name for people, the user name, the roles (names of product.md) and the own sandbox."""

    name: str
    username: str
    roles: tuple[str, ...] = ()
    sandbox: str = ""

    @property
    def email(self) -> str:
        """An address that no mail can reach."""
        return f"{self.username}@getgov.example"


PRIYA = Member("Priya Nair", "priya", ("product_owner",))
THEO = Member("Theo Lindgren", "theo", ("product_team",))
DANA = Member("Dana Kim", "dana", ("engineering_lead", "engineer"), "dk")
ANA = Member("Ana Brandt", "ana", ("engineer",), "ab")
CLEO = Member("Cleo Wong", "cleo", ("engineer",), "cw")
ESME = Member("Esme Sato", "esme", ("designer",), "es")
GIL = Member("Gil Duarte", "gil", ("admin",), "gd")

# Wrote code, but do not sign in to this portal.
KOFI = Member("Kofi Young", "kofi", (), "ky")
MARTA = Member("Marta Silva", "marta", (), "ms")
NOOR = Member("Noor Larsen", "noor", (), "nl")
ROSA = Member("Rosa Bloom", "rosa", (), "rb")

PEOPLE = (PRIYA, THEO, DANA, ANA, CLEO, ESME, GIL)
"""Everybody who can sign in."""

SHARED_SANDBOXES = ("hotgov", "rh", "za")
SANDBOXES = tuple(
    sorted(
        [member.sandbox for member in (*PEOPLE, KOFI, MARTA, NOOR, ROSA) if member.sandbox]
        + [*SHARED_SANDBOXES]
    )
)
ENVIRONMENTS = ("stable", "staging", "development", *SANDBOXES)
"""Every environment of the sample application: one manifest, one space, one application each."""
