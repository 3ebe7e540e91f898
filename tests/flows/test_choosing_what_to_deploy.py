"""What a person may type as a branch, tag or commit, and what is made of it. Names are data, whatever they look like."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsportal.environments.models import GitCommit, GitRef
from opsportal.operations.kinds.deploy import clean, headline
from opsportal.operations.registry import BadParameter
from tests.support.people import environment

pytestmark = [pytest.mark.django_db, pytest.mark.database]
A, B = "a1b2c3d4" * 5, "a1b2c3d5" * 5


@pytest.fixture
def ab():
    GitRef.objects.create(kind="branch", name="main", commit=A)
    GitRef.objects.create(kind="branch", name="both", commit=A)
    GitRef.objects.create(kind="tag", name="both", commit=B)
    GitRef.objects.create(kind="tag", name="v1.2.3", commit=B)
    GitCommit.objects.create(sha=A)
    GitCommit.objects.create(sha=B)
    return environment("ab")


@pytest.mark.parametrize(
    ("typed", "kind", "commit"),
    [
        ({"ref": "main"}, "branch", A),
        ({"ref": " main "}, "branch", A),
        ({"branch": "main"}, "branch", A),
        ({"ref": "v1.2.3"}, "tag", B),
        ({"tag": "v1.2.3"}, "tag", B),
        ({"ref": "both", "ref_kind": "tag"}, "tag", B),
        ({"branch": "both"}, "branch", A),
        ({"ref": A}, "commit", A),
        ({"ref": "A1B2C3D4"}, "commit", A),
        ({"commit": A[:9]}, "commit", A),
        ({"ref": "f" * 40}, "commit", "f" * 40),
        ({"ref": "f" * 12}, "commit", ""),
        ({"ref": "gone"}, "any", ""),
        ({"ref": "--upload-pack=touch /tmp/x"}, "any", ""),
        ({"ref": "../../etc/passwd"}, "any", ""),
        ({"ref": "Ünï©ode"}, "any", ""),
        ({"tag": "gone"}, "any", ""),
    ],
)
def test_what_is_typed_becomes_what_is_deployed(ab, typed, kind, commit):
    params = clean(ab, typed)
    assert (params["ref_kind"], params["commit"]) == (kind, commit)
    assert headline(ab, params).startswith("Deploy ")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({}, "Choose a branch, tag or commit"),
        ({"ref": "   "}, "Choose a branch, tag or commit"),
        ({"ref": "x" * 301}, "at most 300"),
        ({"ref": "a\x00b"}, "control characters"),
        ({"ref": "a\nb"}, "control characters"),
        ({"ref": "both"}, "both a branch and a tag"),
        ({"ref": "a1b2c3d"}, "beginning of several commits"),
        ({"ref": "main", "tag": "v1.2.3"}, "not several"),
        ({"ref": "main", "ref_kind": "cake"}, "a branch, a tag or a commit"),
        ({"tag": "main"}, "“main” is a branch, not a tag"),
        ({"ref": "v1.2.3", "ref_kind": "commit"}, "“v1.2.3” is a tag, not a commit"),
        ({"ref": "main", "migrate": "perhaps"}, "yes or no"),
    ],
)
def test_what_cannot_be_used_is_said_in_words(ab, typed, words):
    with pytest.raises(BadParameter, match=words):
        clean(ab, typed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.text(max_size=320), st.sampled_from(["", "branch", "tag", "commit"]))
def test_no_name_breaks_it(ab, text, kind):
    try:
        params = clean(ab, {"ref": text, "ref_kind": kind})
    except BadParameter:
        return
    assert params["ref"] == text.strip()


@pytest.mark.parametrize("where", ["development", "staging", "stable"])
def test_outside_sandboxes_a_deploy_always_migrates(ab, where):
    assert clean(environment(where), {"ref": "main", "migrate": "no"})["migrate"] is True
