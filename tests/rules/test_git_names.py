"""What can be the name of a branch, tag, commit or path: Git's rules, and nothing that could be an option."""

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.adapters.git.errors import GitError
from opsportal.adapters.git.names import clean_path, is_full_sha, is_ref_name, is_short_sha, split_ref
from opsportal.adapters.git.remote import local_environment, parse_remote, remote_environment
from opsportal.kit.text import safe_name, safe_text


@pytest.mark.parametrize(
    "name",
    [
        "main",
        "ab/1234-new-headline",
        "v.1.68.0",
        "Staging-168",
        "staging-232-hotfix",
        "größe",
        "日本",
        "a@b",
        "x" * 300,
    ],
)
def test_names_that_a_branch_or_tag_can_have_are_taken(name):
    assert is_ref_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-f",
        "--upload-pack=touch /tmp/x",
        "a b",
        "a\nb",
        "a\x00b",
        "a..b",
        "a@{1}",
        "@",
        "a^",
        "a~1",
        "a:b",
        "a?",
        "a*",
        "[a",
        "a\\b",
        "/a",
        "a/",
        "a//b",
        "a/.b",
        ".a",
        "a.",
        "a.lock",
        "a.lock/b",
        "\udcff",
        "x" * 1001,
    ],
)
def test_names_that_no_branch_or_tag_can_have_are_refused(name):
    assert not is_ref_name(name)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30))
def test_what_we_take_as_a_name_git_takes_too(name):
    if is_ref_name(name):
        asked = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False, timeout=10)
        assert asked.returncode == 0


@pytest.mark.parametrize(
    ("text", "full", "short"),
    [
        ("a" * 40, True, False),
        ("a" * 64, True, False),
        ("a" * 41, False, True),
        ("abcdef1", False, True),
        ("abcdef", False, False),
        ("abcdefg", False, False),
        ("A" * 40, False, False),
        ("a" * 40 + "\n", False, False),
    ],
)
def test_a_commit_id_is_whole_or_has_at_least_seven_characters(text, full, short):
    assert (is_full_sha(text), is_short_sha(text)) == (full, short)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("main", (None, "main")),
        ("refs/heads/main", ("branch", "main")),
        ("refs/tags/v1.0.0", ("tag", "v1.0.0")),
        ("refs/notes/x", (None, "refs/notes/x")),
    ],
)
def test_a_whole_ref_says_whether_branch_or_tag_is_meant(text, meant):
    assert split_ref(text) == meant


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("", ""),
        (".", ""),
        ("src/", "src"),
        ("./src//a", "src/a"),
        ("-x", "-x"),
        (":(top)x", ":(top)x"),
        ("../x", None),
        ("a/../b", None),
        ("/etc/passwd", None),
        ("a\x00b", None),
        ("\udcff", None),
        ("a/" * 3000, None),
    ],
)
def test_a_path_stays_inside_the_tree(path, clean):
    assert clean_path(path) == clean


@given(st.text())
def test_text_made_safe_is_one_line_that_can_be_stored(text):
    safe = safe_text(text)
    safe.encode("utf-8")
    assert len(safe.splitlines()) <= 1
    assert "\x00" not in safe
    assert "\x1b" not in safe


def test_colours_and_direction_marks_are_taken_out_of_text():
    assert safe_text("\x1b[31mred\x1b[0m \u202egpj.exe") == "red \ufffdgpj.exe"
    assert safe_text("long " * 100, 10) == "long long…"


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_two_names_never_look_the_same(first, second):
    if b"\\" not in first + second and first != second:
        assert safe_name(first) != safe_name(second)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--upload-pack=x",
        "ext::sh -c touch% /tmp/x",
        "fd::17/foo",
        "git://example.gov/x.git",
        "https://user:secret@example.gov/x.git",
        "https://token@example.gov/x.git",
        "https:///x.git",
        "https://[::1/x",
        "ssh://-oProxyCommand=x/y",
        "https://example.gov/a\nb",
    ],
)
def test_addresses_that_are_unsafe_or_hold_a_secret_are_refused(url):
    with pytest.raises(GitError) as refused:
        parse_remote(url, None)
    assert refused.value.remedy
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "protocol"),
    [
        ("https://github.com/cisagov/manage.get.gov", "https"),
        ("git@github.com:cisagov/manage.get.gov.git", "ssh"),
        ("ssh://git@github.com/cisagov/manage.get.gov.git", "ssh"),
        ("file:///srv/git/x.git", "file"),
        ("/srv/git/x y.git", "file"),
        ("http://127.0.0.1:8000/x.git", "http"),
    ],
)
def test_git_may_use_the_protocol_of_the_address_and_no_other(url, protocol, tmp_path):
    environment = remote_environment(tmp_path, parse_remote(url, None))
    assert environment["GIT_ALLOW_PROTOCOL"] == protocol
    settings = _settings(environment)
    assert settings["protocol.file.allow"] == ("always" if protocol == "file" else "never")
    assert local_environment(tmp_path)["GIT_ALLOW_PROTOCOL"] == ""


def test_the_token_is_a_header_for_its_host_alone(tmp_path):
    remote = parse_remote("https://github.com/x/y.git", "s3cr3t")
    settings = _settings(remote_environment(tmp_path, remote))
    assert settings["http.https://github.com/.extraHeader"].startswith("Authorization: Basic ")
    assert settings["http.followRedirects"] == "false"
    assert "s3cr3t" not in repr(remote)


@pytest.mark.parametrize("token", ["a\nHost: evil", "a b", "", "é"])
def test_a_token_that_could_change_the_request_is_refused(token):
    with pytest.raises(GitError):
        parse_remote("https://github.com/x/y.git", token)


def test_a_token_never_goes_over_plain_http_to_another_machine():
    with pytest.raises(GitError, match="plain http"):
        parse_remote("http://example.gov/x.git", "s3cr3t")


def _settings(environment):
    count = int(environment["GIT_CONFIG_COUNT"])
    return {environment[f"GIT_CONFIG_KEY_{n}"]: environment[f"GIT_CONFIG_VALUE_{n}"] for n in range(count)}
