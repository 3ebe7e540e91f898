"""What is read from an entry: its level, the fields of a record, a router's request, and what must not be kept."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsportal.kit.redaction import REDACTED, redact
from opsportal.logs import levels, matching, records, requests
from opsportal.logs.levels import Level
from tests.support.logs import CHAINED, TRACEBACK, WEB, access


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("[2026-11-23 05:00:00,123] ERROR [django.request] Internal Server Error: /", Level.ERROR),
        ("[23/Nov/2026 05:00:00] WARNING [django.request:241] Not Found: /favicon.ico", Level.WARNING),
        ("2026-11-23 05:00:00,123 - registrar.views - DEBUG - looked", Level.DEBUG),
        ("2026-11-23T05:00:00Z INFO registrar started", Level.INFO),
        ("ERROR:root:nothing works", Level.ERROR),
        ("CRITICAL registrar it is over", Level.CRITICAL),
        ("[2026-11-23 05:00:00 +0000] [12] [INFO] Booting worker with pid: 12", Level.INFO),
        ("[2026-11-23 05:00:00 +0000] [12] [CRITICAL] WORKER TIMEOUT (pid:13)", Level.CRITICAL),
        ("WARN something", Level.WARNING),
        ("ts=1 level=error msg=x", Level.ERROR),
        ('[23/Nov/2026 05:00:00] "GET /raise HTTP/1.1" 500 145', Level.ERROR),
        ('[23/Nov/2026 05:00:00] "GET / HTTP/1.1" 200 1450', Level.INFO),
        ("**ERROR** could not find a version", Level.ERROR),
        (TRACEBACK, Level.ERROR),
        (CHAINED, Level.ERROR),
        ("[05:00:00] WARNING [x] tried\n" + TRACEBACK, Level.WARNING),
        ("ValueError: bad", Level.ERROR),
        ("Exit status 1", Level.ERROR),
        ("Exit status 0", Level.INFO),
        ("Exit status 143", Level.INFO),
        ("ERRORS were found in the user's form", Level.NONE),
        ("The INFORMATIONAL page was opened", Level.NONE),
        ("nothing of note", Level.NONE),
        ("", Level.NONE),
    ],
)
def test_the_level_of_a_text_is_the_one_it_names(text, level):
    assert levels.of_entry(WEB, text) == level


@pytest.mark.parametrize(
    ("layer", "text", "level"),
    [
        ("API", 'Process has crashed with type: "web"', Level.ERROR),
        ("API", "Updated app with guid 1", Level.INFO),
        ("CELL", "Container became unhealthy", Level.ERROR),
        ("CELL", "Cell 1 stopping instance 2", Level.INFO),
        ("CELL", "Exit status 143", Level.INFO),
        ("RTR", access(status=502), Level.ERROR),
        ("RTR", access(status=404), Level.INFO),
        ("GAP", "Lines may be missing here", Level.WARNING),
    ],
)
def test_what_the_platform_says_is_trouble_or_the_normal_course(layer, text, level):
    request = requests.read(text)
    assert levels.of_entry(layer, text, status=request.status if request else None) == level


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ({"level": "ERROR", "message": "x"}, Level.ERROR),
        ({"levelname": "warning", "msg": "x"}, Level.WARNING),
        ({"severity": "critical"}, Level.CRITICAL),
        ({"log": {"level": "info"}, "message": "x"}, Level.INFO),
        ({"level": 50, "msg": "pino"}, Level.CRITICAL),
        ({"level": 30}, Level.WARNING),
        ({"message": "x", "exc_info": TRACEBACK}, Level.ERROR),
        ({"message": "ERROR in the text is no level"}, Level.NONE),
        ({"level": None}, Level.NONE),
        ({"level": 99999999999999999999}, Level.NONE),
    ],
)
def test_the_level_of_a_record_is_its_field(said, level):
    text = json.dumps(said)
    assert levels.of_entry(WEB, text, records.read(text)) == level


def test_a_record_shows_its_fields_with_nested_ones_by_dotted_names():
    record = records.read(
        '{"timestamp": "t", "level": "ERROR", "message": "no", "name": "registrar",'
        ' "exception": "Traceback…", "user": {"id": 7, "roles": ["a"]}, "empty": {}, "nothing": null}'
    )
    assert record is not None
    assert (record.message, record.exception, record.logger) == ("no", "Traceback…", "registrar")
    assert record.fields["user.id"] == "7"
    assert record.fields["user.roles"] == '["a"]'
    assert record.fields["nothing"] == "null"


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", "{not json}", '"text"', '{"a": 1} and more', "{" * 9000 + "}"]
)
def test_what_is_no_json_object_is_text(text):
    assert records.read(text) is None


def test_a_record_has_an_end():
    huge = records.read(json.dumps({f"k{n}": {"x": {"y": n}} for n in range(2000)}))
    assert huge is not None
    assert len(huge.fields) <= records.MOST_FIELDS


def test_a_routers_line_is_read():
    read = requests.read(access("/domain/12?token=1", 503, 1.2345))
    assert read is not None
    assert (read.method, read.path, read.status, read.took_ms) == ("GET", "/domain/{number}", 503, 1234)
    assert read.host == "getgov-ab.app.cloud.gov"
    assert read.fields["client"] == "10.0.0.9:4711"
    assert read.fields["user agent"] == "Mozilla/5.0 (X11)"
    assert read.fields["vcap_request_id"] == "4f0c"


def test_a_request_without_an_answer_has_no_status():
    read = requests.read(access().replace('" 200 ', '" - '))
    assert read is not None
    assert read.status == 0


@pytest.mark.parametrize("text", ["", "garbage", 'host - [x] "GET" 200', '"GET / HTTP/1.1" 200 0 0'])
def test_what_is_no_routers_line_is_text(text):
    assert requests.read(text) is None


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/admin/registrar/domain/123/change/?q=1", "/admin/registrar/domain/{number}/change/"),
        ("/request/3f2b9a4c-1d2e-4f5a-8b6c-7d8e9f0a1b2c", "/request/{id}"),
        ("/commit/926cd59e0f5b3a7c1d2e4f60718293a4b5c6d7e8", "/commit/{id}"),
        ("/report/2026-11-23", "/report/{date}"),
        ("/verify/MTIzNDU2Nzg5MGFiY2RlZg1", "/verify/{id}"),
        ("/public/css/styles.3f2a1b9c.css", "/public/css/styles.{hash}.css"),
        ("/public/js/uswds.min.js", "/public/js/uswds.min.js"),
        ("/domain/igorville.gov", "/domain/igorville.gov"),
        ("/deface/facade/added", "/deface/facade/added"),
        ("https://other.example/x/9", "/x/{number}"),
        ("/a b/%2e%2e/c", "/a b/../c"),
    ],
)
def test_paths_are_summed_without_their_ids(target, path):
    assert requests.template(target) == path


@given(st.text(st.characters(exclude_characters="%"), max_size=400))
def test_a_path_to_sum_by_is_short_and_stays_what_it_is(target):
    once = requests.template(target)
    assert len(once) <= 200
    assert requests.template(once) == once


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("DATABASE_URL=postgres://u:hunter2@db:5432/x", f"DATABASE_URL={REDACTED}"),
        ("connect to postgres://u:hunter2@db:5432/x", f"connect to postgres://{REDACTED}@db:5432/x"),
        ("Authorization: Bearer abcdefgh12345678", f"Authorization: Bearer {REDACTED}"),
        ("password=hunter2 user=ana", f"password={REDACTED} user=ana"),
        ("{'api_key': 'abc', 'n': 1}", f"{{'api_key': '{REDACTED}', 'n': 1}}"),
        ('{"password": "hunter2", "n": 1}', f'{{"password": "{REDACTED}", "n": 1}}'),
        ('{"m": "{\\"secret_key\\": \\"abc\\"}"}', f'{{"m": "{{\\"secret_key\\": \\"{REDACTED}\\"}}"}}'),
        ('{"token": 12345}', f'{{"token": "{REDACTED}"}}'),
        ("GET /verify?token=abc123&page=2", f"GET /verify?token={REDACTED}&page=2"),
        ("key AKIAABCDEFGHIJKLMNOP used", f"key {REDACTED} used"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sig-nature", f"jwt {REDACTED}"),
        ("-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----",
         f"-----BEGIN PRIVATE KEY-----{REDACTED}-----END PRIVATE KEY-----"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIabc", f"-----BEGIN RSA PRIVATE KEY-----{REDACTED}"),
        ("Cookie: sessionid=abcdef; csrftoken=xyz", f"Cookie: {REDACTED}; csrftoken={REDACTED}"),
    ],
)  # fmt: skip
def test_secrets_are_taken_out(text, kept):
    assert redact(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "Forbidden (CSRF token missing.): /domain/",
        "The password was changed by ana",
        "GET /password/reset/ 200",
        '{"password": null, "token": ""}',
        "https://get.gov/about: an address: with @ later",
        "keys: 12 tokens left",
    ],
)
def test_ordinary_text_stays(text):
    assert redact(text) == text


SECRETS = st.from_regex(r"[A-Za-z0-9]{12,30}", fullmatch=True)


@given(
    SECRETS,
    st.sampled_from(["password", "DB_PASSWORD", "api_key", "client_secret", "SESSION_KEY"]),
    st.text(),
)
def test_a_record_stays_a_record_without_its_secret(secret, name, other):
    text = json.dumps({name: secret, "other": other, "deep": {name: secret}})
    kept = redact(text)
    assert secret not in kept or secret in other
    assert json.loads(kept).keys() == json.loads(text).keys()


@given(st.text(max_size=300))
def test_taking_secrets_out_twice_changes_nothing_more(text):
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    "piece",
    ["a", "password", "token=", "http://", 'key"\\"', "-----BEGIN PRIVATE KEY-----", "eyJ.", "{", '"GET /'],
)
def test_no_line_however_long_takes_more_than_its_length(piece):
    """What grows with the square of the length would take minutes here: the test itself would be stopped."""
    text = piece * (400_000 // len(piece))
    started = time.process_time()
    redact(text)
    levels.of_entry(WEB, text)
    requests.read(text)
    requests.template(text)
    assert time.process_time() - started < 30


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("timeout after \\d+ ms", "meout after "),
        ("colou?r", "colo"),
        ("a{2}number", "number"),
        ("x+yellow", "yellow"),
        ("one|another", ""),
        ("(?x) be lenient", ""),
        ("[abc]def", ""),
        ("\\x41bcde", ""),
        ("^GET /domain/\\d+", "GET /doma"),
    ],
)
def test_the_text_that_a_pattern_needs_is_seen_where_it_is_plain(pattern, text):
    assert matching.required_text(pattern) == text


PIECES = [
    *"abks.^$*+?{}()]|\\-12 ",
    "\\d",
    "\\.",
    "abc",
    "{2}",
    "{0,1}",
    "}",
    "[ab]",
    "error",
    "\\x61",
    "\\101",
]
PATTERNS = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@given(PATTERNS, st.text("abcdkKsS\u212a\u017fER12 .{}error", max_size=30))
def test_a_match_always_holds_the_text_that_its_pattern_needs(pattern, text):
    try:
        found = re.search(pattern, text, re.IGNORECASE)
    except re.error:
        return
    if found:
        assert matching.required_text(pattern).lower() in text.lower()
