"""Who owns a sandbox is set in the admin, by admins, and lands in the audit trail."""

import pytest
from django.urls import reverse

from opsportal.audit.models import Entry
from tests.support.people import environment, person

pytestmark = [pytest.mark.django_db, pytest.mark.database]


def test_an_admin_gives_a_sandbox_to_its_owner(client):
    place = environment("ab")
    client.force_login(person("ada"), backend="django.contrib.auth.backends.ModelBackend")
    address = reverse("admin:environments_environment_change", args=[place.pk])
    assert client.get(address).status_code == 200
    assert client.post(address, {"owner": person("ana").pk}).status_code == 302
    place.refresh_from_db()
    assert place.owner == person("ana")
    entry = Entry.objects.get(action="environment.owner")
    assert (entry.actor, entry.target, entry.details) == ("ada", "ab", {"owner": "ana"})


@pytest.mark.parametrize("who", ["ana", "lee", "pam", "stranger"])
def test_nobody_else_gets_there(client, who):
    place = environment("ab")
    client.force_login(person(who), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(reverse("admin:environments_environment_change", args=[place.pk])).status_code in {
        302,
        403,
    }
