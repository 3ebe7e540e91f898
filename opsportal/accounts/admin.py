"""People and roles in Django's admin. Every change goes through the actions, so that it lands in the audit
trail.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils import timezone

from opsportal.accounts import actions, lockouts, views
from opsportal.accounts.gates import person_of
from opsportal.accounts.models import Person, Role
from opsportal.accounts.queries import active_admins, require
from opsportal.accounts.rules import Permission, keeps_an_admin
from opsportal.kit.wording import exact

if TYPE_CHECKING:
    _PersonForm = forms.ModelForm[Person]
    _PersonAdmin = admin.ModelAdmin[Person]
else:  # Django's own classes take no type at run time.
    _PersonForm, _PersonAdmin = forms.ModelForm, admin.ModelAdmin


class PersonForm(_PersonForm):
    """One person with roles. A password is only ever set, never shown."""

    roles = forms.MultipleChoiceField(
        choices=Role.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="What they may do.",
    )
    new_password = forms.CharField(
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Leave it empty to keep the one they have.",
    )
    unlock = forms.BooleanField(required=False, label="Unlock signing in")
    reason = forms.CharField(required=False, help_text="Why. It is kept in the audit trail.")

    class Meta:
        model = Person
        fields = ("username", "name", "email", "github_login", "time_zone", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["roles"].initial = sorted(self.instance.role_names)
        locked = lockouts.locked_from(self.instance) if self.instance.pk else []
        if locked:
            self.fields["unlock"].help_text = (
                f"A wrong password was given too often from {', '.join(locked)}. "
                "Tick this to let them sign in at once."
            )
        else:
            del self.fields["unlock"]

    def clean_new_password(self) -> str:
        """The site's password rules."""
        password = str(self.cleaned_data["new_password"])
        if password:
            validate_password(password, self.instance)
        return password

    def clean(self) -> dict[str, Any]:
        """The last active admin stays one."""
        cleaned = super().clean() or self.cleaned_data
        stays = cleaned.get("is_active") and Role.ADMIN in cleaned.get("roles", ())
        admins = active_admins()
        if self.instance.username in admins and not stays:
            verdict = keeps_an_admin(admins, self.instance.username)
            if not verdict.allowed:
                raise forms.ValidationError(verdict.sentence)
        return cleaned


@admin.register(Person)
class PersonAdmin(_PersonAdmin):
    """People are made, given roles, switched off and on; never deleted, because the trail names them."""

    form = PersonForm
    fields = (
        "username",
        "name",
        "email",
        "github_login",
        "time_zone",
        "is_active",
        "roles",
        "new_password",
        "unlock",
        "reason",
    )
    list_display = ("name", "username", "role_words", "is_active", "last_seen")
    list_filter = ("is_active", "roles__role")
    search_fields = ("name", "username", "email", "github_login")
    actions = None

    class Media:
        css = {"all": ["css/admin-lists.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Person]:
        """With the roles, in two queries for the whole list."""
        return super().get_queryset(request).prefetch_related("roles")

    @admin.display(description="roles")
    def role_words(self, person: Person) -> str:
        """The roles in words."""
        return ", ".join(role.get_role_display() for role in person.roles.all())

    @admin.display(description="last sign-in", ordering="last_login")
    def last_seen(self, person: Person) -> str:
        """In the viewer's zone, which is named."""
        return exact(person.last_login, timezone.get_current_timezone()) if person.last_login else "never"

    def get_fields(self, request: HttpRequest, obj: Person | None = None) -> Any:
        """Unlocking is offered for whom it changes something."""
        locked = bool(obj and lockouts.locked_from(obj))
        return [name for name in PersonAdmin.fields if name != "unlock" or locked]

    def get_readonly_fields(self, request: HttpRequest, obj: Person | None = None) -> tuple[str, ...]:
        """A user name stays: the audit trail knows people by it."""
        return ("username",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never: switch the account off instead."""
        return False

    def save_model(self, request: HttpRequest, obj: Person, form: Any, change: bool) -> None:
        """Each difference by its own action."""
        by, given = person_of(request), form.cleaned_data
        reason = given["reason"]
        if change:
            _apply_changes(obj, given, by)
            return
        person = actions.create_person(
            username=given["username"],
            name=given["name"],
            email=given["email"],
            github_login=given["github_login"],
            time_zone=given["time_zone"],
            password=given["new_password"] or None,
            roles=given["roles"],
            by=by,
            reason=reason,
        )
        if not given["is_active"]:
            actions.deactivate(person=person, by=by, reason=reason)
        obj.pk = person.pk


def _apply_changes(form_person: Person, given: dict[str, Any], by: Person) -> None:
    """What was given against what is kept, each difference by its own action."""
    person, reason = Person.objects.get(pk=form_person.pk), given["reason"]
    details = {name: given[name] for name in ("name", "email", "github_login", "time_zone")}
    actions.change_details(person=person, by=by, reason=reason, **details)
    for role in sorted(set(given["roles"]) - person.role_names):
        actions.grant_role(person=person, role=role, by=by, reason=reason)
    for role in sorted(person.role_names - set(given["roles"])):
        actions.revoke_role(person=person, role=role, by=by, reason=reason)
    if given["new_password"]:
        actions.set_password(person=person, password=given["new_password"], by=by, reason=reason)
    if given.get("unlock"):
        actions.unlock(person=person, by=by, reason=reason)
    if given["is_active"] and not person.is_active:
        actions.activate(person=person, by=by, reason=reason)
    elif person.is_active and not given["is_active"]:
        actions.deactivate(person=person, by=by, reason=reason)


def sign_in_through_the_portal(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The admin has no sign-in of its own. Who is signed in and stands here lacks the role: say so."""
    if request.user.is_authenticated:
        require(person_of(request), Permission.MANAGE_PEOPLE)
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


def change_own_password(request: HttpRequest, extra_context: Any = None) -> HttpResponse:
    """The admin's own password is changed where everybody's is, and audited like everybody's."""
    return HttpResponseRedirect(resolve_url("admin:accounts_person_change", person_of(request).pk))


admin.site.unregister(Group)  # roles say who may do what; groups would say nothing
admin.site.site_header = admin.site.site_title = "Ops portal"
admin.site.index_title = "People and settings"
admin.site.enable_nav_sidebar = False  # a few tables need no second menu; their lists need its width
admin.site.login = sign_in_through_the_portal  # type: ignore[method-assign]
admin.site.logout = views.sign_out  # type: ignore[method-assign,assignment]
admin.site.password_change = change_own_password  # type: ignore[method-assign,assignment]
