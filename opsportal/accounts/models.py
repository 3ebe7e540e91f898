"""People and the roles they hold (product.md, The people)."""

import zoneinfo
from functools import cached_property
from typing import Any, ClassVar, NoReturn

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from opsportal.accounts import grants


class Role(models.TextChoices):
    """product.md's roles. A person can hold several."""

    PRODUCT_OWNER = grants.PRODUCT_OWNER, "Product owner"
    PRODUCT_TEAM = grants.PRODUCT_TEAM, "Product team"
    ENGINEERING_LEAD = grants.ENGINEERING_LEAD, "Engineering lead"
    ENGINEER = grants.ENGINEER, "Engineer"
    DESIGNER = grants.DESIGNER, "Designer"
    ADMIN = grants.ADMIN, "Admin"


USERNAME_RULE = RegexValidator(
    r"\A[a-z0-9][a-z0-9._-]*\Z",
    "Use small letters, digits, dots, hyphens and underscores, beginning with a letter or digit.",
)


GITHUB_LOGIN_RULE = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_-]{0,99}\Z",
    "A GitHub login is made of letters, digits, hyphens and underscores, without the @.",
)


def check_time_zone(name: str) -> None:
    """Refuse a name that is not in the time zone database; empty means the team's own zone."""
    if name and name not in zoneinfo.available_timezones():
        raise ValidationError(
            "“%(name)s” is no time zone. One looks like America/New_York.", params={"name": name}
        )


class PersonManager(BaseUserManager["Person"]):
    """Makes the bare row. The portal makes people through :mod:`opsportal.accounts.actions`, which is
    audited.
    """

    def create_user(self, username: str, password: str | None = None, **fields: Any) -> "Person":
        """A person without a role. ``password=None``: nobody can sign in with a password."""
        person = self.model(username=username.lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, *args: Any, **fields: Any) -> NoReturn:
        """There is no superuser beside the admin role; say what to use instead."""
        raise NotImplementedError("Use: manage.py create_person USERNAME --name NAME --role admin")


class Person(AbstractBaseUser):
    """Somebody who signs in. What they may do follows from their roles alone; nobody is ever deleted."""

    username = models.CharField(
        max_length=150,
        unique=True,
        validators=[USERNAME_RULE],
        error_messages={"unique": "Somebody has this user name already."},
    )
    name = models.CharField("display name", max_length=150)
    email = models.EmailField(blank=True)
    time_zone = models.CharField(
        max_length=64, blank=True, validators=[check_time_zone], help_text="empty: the team's time zone"
    )
    github_login = models.CharField(
        "GitHub login",
        max_length=100,
        blank=True,
        validators=[GITHUB_LOGIN_RULE],
        help_text="who they are on GitHub; empty: the same as the user name",
    )
    is_active = models.BooleanField("active", default=True)
    joined_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta:
        ordering = ["name", "username"]
        verbose_name_plural = "people"
        constraints = [
            models.UniqueConstraint(Lower("username"), name="usernames_differ_by_more_than_case"),
            models.UniqueConstraint(
                Lower("github_login"),
                condition=~models.Q(github_login=""),
                name="a_github_login_is_one_persons",
                violation_error_message="Somebody has this GitHub login already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.username

    def clean(self) -> None:
        """Nobody takes the GitHub login that somebody else has by their user name."""
        super().clean()
        taken = Person.objects.filter(username=self.github_login.lower(), github_login="")
        if self.github_login and taken.exclude(pk=self.pk).exists():
            raise ValidationError({"github_login": "Somebody has this GitHub login by their user name."})

    @property
    def initials(self) -> str:
        """One or two capitals for the avatar: of the first and the last name."""
        words = (self.name or self.username).split()
        return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()

    @cached_property
    def role_names(self) -> frozenset[str]:
        """The roles held, read once per object (so once per request)."""
        return frozenset(self.roles.values_list("role", flat=True))

    def forget_roles(self) -> None:
        """Read the roles again the next time they are asked for."""
        self.__dict__.pop("role_names", None)

    @property
    def is_admin(self) -> bool:
        """Whether this person may manage people and settings."""
        return self.is_active and Role.ADMIN in self.role_names

    # Django's admin asks these four; all of them mean the admin role.
    @property
    def is_staff(self) -> bool:
        """Whether Django's admin lets this person in."""
        return self.is_admin

    @property
    def is_superuser(self) -> bool:
        """There is no superuser beside the admin role."""
        return self.is_admin

    def has_perm(self, perm: str, obj: object | None = None) -> bool:
        """Any permission inside Django's admin; the portal itself asks :mod:`opsportal.accounts.rules`."""
        return self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        """Any application inside Django's admin."""
        return self.is_admin

    def get_full_name(self) -> str:
        """The display name."""
        return self.name

    def get_short_name(self) -> str:
        """The first word of the display name."""
        return (self.name or self.username).split()[0]


class PersonRole(models.Model):
    """One role of one person: since when, and by whom. ``granted_by`` empty: by the portal itself."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=20, choices=Role.choices)
    granted_at = models.DateTimeField(default=timezone.now)
    granted_by = models.ForeignKey(
        Person, null=True, blank=True, on_delete=models.SET_NULL, related_name="roles_granted"
    )

    class Meta:
        ordering = ["person", "role"]
        constraints = [
            models.UniqueConstraint(fields=["person", "role"], name="a_role_is_held_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="only_known_roles"),
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.get_role_display()}"
