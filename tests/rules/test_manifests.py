"""Manifests: the team's real ones as they are, what the platform gets, and every way they can be wrong."""

import contextlib
import string

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from opsportal.environments.manifest_checks import size_in_mb
from opsportal.environments.manifest_yaml import read_yaml, resolve_plain, write_yaml, written
from opsportal.environments.manifests import (
    ManifestError,
    MissingVariables,
    environment_names,
    for_platform,
    interpolate,
    parse_manifest,
)

VALUES = {
    "GIT_COMMIT_SHA": "1083b767f0a24b9844927971d3f3988e3bb35d59",
    "GIT_BRANCH": "main",
    "GIT_TAG": "v1.2.0",
}


def manifest(app="", top="", environment="ab"):
    """A small manifest with more lines put into its application and beside it."""
    return f"---\n{top}applications:\n- name: getgov-{environment}\n  path: ../../src\n{app}"


def parse(text, environment="ab"):
    return parse_manifest(text, environment=environment)


def sent(text, **variables):
    """The application as the platform reads it."""
    document = yaml.safe_load(for_platform(parse(text), {**VALUES, **variables}))
    return document["applications"][0]


def test_the_real_manifest_of_a_sandbox_is_read_as_it_is(shared_data):
    found = parse((shared_data / "manifests" / "manifest-ab.yaml").read_bytes())
    assert (found.app_name, found.path, found.memory_mb, found.instances) == ("getgov-ab", "src", 512, 1)
    assert found.routes == ("getgov-ab.app.cloud.gov",)
    assert found.services == ("getgov-credentials", "getgov-ab-database")
    assert found.variables == {"GIT_BRANCH", "GIT_COMMIT_SHA"}
    assert (found.health_endpoint, found.command, found.buildpacks) == (
        "/health",
        "./run.sh",
        ("python_buildpack",),
    )
    assert "DJANGO_LOG_FORMAT" in found.env_names
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("environment", "instances", "memory_mb", "variables"),
    [
        ("development", 2, 512, {"GIT_BRANCH", "GIT_COMMIT_SHA"}),
        ("staging", 2, 512, {"GIT_COMMIT_SHA", "GIT_TAG"}),
        ("stable", 2, 1024, {"GIT_COMMIT_SHA", "GIT_TAG"}),
    ],
)
def test_the_real_manifests_of_the_train_are_read_and_made_ready(
    shared_data, environment, instances, memory_mb, variables
):
    text = (shared_data / "manifests" / f"manifest-{environment}.yaml").read_bytes()
    found = parse(text, environment)
    assert (found.instances, found.memory_mb, found.variables) == (instances, memory_mb, variables)
    application = yaml.safe_load(for_platform(found, VALUES))["applications"][0]
    assert application["env"]["GIT_COMMIT_SHA"] == VALUES["GIT_COMMIT_SHA"]
    assert application["env"]["PYTHONUNBUFFERED"] == "yup"
    assert application["env"]["IS_PRODUCTION"] is (environment == "stable")
    assert "path" not in application


def test_the_real_template_belongs_to_no_environment(shared_data):
    text = (shared_data / "manifests" / "manifest-sandbox-template.yaml").read_bytes()
    with pytest.raises(ManifestError, match="getgov-ENVIRONMENT"):
        parse(text)
    assert parse(text, None).app_name == "getgov-ENVIRONMENT"
    paths = [f"ops/manifests/{path.name}" for path in (shared_data / "manifests").iterdir()]
    assert environment_names(paths) == ["ab", "development", "stable", "staging"]


@pytest.mark.parametrize(
    "name",
    [
        "..",
        "a b",
        "A",
        "",
        "-a",
        "a-",
        "a/b",
        "ä",
        "x" * 41,
        "a\n",
        "--help",
        "a.b",
        "sandbox-template",
        "template",
    ],
)
def test_a_file_whose_name_is_no_environment_is_passed_over(name):
    assert environment_names([f"ops/manifests/manifest-{name}.yaml"]) == []


def test_only_files_of_the_pattern_are_manifests():
    paths = [
        "ops/manifests/manifest-ab.yaml",
        "ops/manifests/manifest-cw.yml",
        "x/manifest-dk.yaml",
        "cf/es/m.yml",
    ]
    assert environment_names(paths) == ["ab"]
    assert environment_names(paths, "cf/{environment}/m.yml") == ["es"]


@pytest.mark.parametrize(
    ("written_so", "arrives"),
    [
        ("True", "true"),
        ("off", "false"),
        ("y", "true"),
        ("yup", "yup"),
        ("NO", "false"),
        ("'NO'", '"NO"'),
        ("3.10", "3.1"),
        ("'3.10'", '"3.10"'),
        ("5", "5"),
        ("010", "8"),
        ("08", "8"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("1000000.0", "1e+06"),
        ("123456789.5", "1.234567895e+08"),
        ("0.00001", "1e-05"),
        ("99999999999999999999", "1e+20"),
        ("2026-01-31", "'2026-01-31'"),
        ("12:30:45", "'12:30:45'"),
        ("~", "null"),
        ("", "null"),
        ('""', '""'),
        ("login.gov production", "login.gov production"),
        ("'a: b'", "'a: b'"),
    ],
)
def test_values_go_out_as_the_command_would_send_them(written_so, arrives):
    text = for_platform(parse(manifest(f"  env:\n    X: {written_so}\n")))
    assert f"    X: {arrives}\n" in text


def test_a_number_that_arrives_as_another_text_is_warned_about():
    found = parse(manifest("  env:\n    PYTHON: 3.10\n    POOL: 5\n    ZIP: 010\n    FLAG: True\n"))
    assert [warning.split()[0] for warning in found.warnings] == ["PYTHON", "ZIP"]


@given(
    st.one_of(
        st.text(), st.integers(-(2**63), 2**64 - 1), st.booleans(), st.none(), st.floats(allow_nan=False)
    )
)
def test_what_is_written_is_read_back_as_the_same_value(value):
    back = read_yaml(write_yaml({"x": value})).value["x"]
    assert back == value
    assert isinstance(value, float) or type(back) is type(value)


@given(st.text(alphabet=string.ascii_letters + string.digits + "+-._: ~", max_size=12))
def test_text_is_never_taken_for_something_else_by_any_reader(text):
    assert yaml.safe_load(write_yaml([text])) == [text]
    assert read_yaml(write_yaml([text])).value == [text]


@given(st.text(alphabet="0123456789+-._exbo", max_size=10))
def test_any_word_has_a_meaning_that_can_be_written(word):
    value = resolve_plain(word)
    assert isinstance(resolve_plain(written(value)), type(value)) or isinstance(value, float)


def test_aliases_and_merges_are_written_out():
    text = manifest(
        "  env:\n    <<: *common\n    B: mine\n  processes:\n  - {type: worker, <<: *small}\n",
        top="defaults:\n- &common {A: one, B: two}\n- &small {memory: 64M}\n",
    )
    application = sent(text)
    assert application["env"] == {"A": "one", "B": "mine"}
    assert application["processes"] == [{"type": "worker", "memory": "64M"}]
    assert parse(text).warnings == (
        "“defaults” stands beside “applications” and is not sent to the platform.",
    )


def test_quota_is_renamed_and_switches_that_are_off_are_dropped():
    application = sent(
        manifest(
            "  disk_quota: 1G\n  no-route: false\n  timeout: 0\n  instances: 0\n"
            "  processes:\n  - {type: web, disk_quota: 2G}\n"
        )
    )
    assert application == {
        "name": "getgov-ab",
        "disk-quota": "1G",
        "instances": 0,
        "processes": [{"type": "web", "disk-quota": "2G"}],
        "default-route": True,
    }


@pytest.mark.parametrize(
    ("lines", "default_route"),
    [
        ("", True),
        ("  routes:\n  - route: a.b\n", None),
        ("  no-route: true\n", None),
        ("  random-route: true\n", None),
    ],
)
def test_an_application_without_any_route_gets_its_default_one(lines, default_route):
    assert sent(manifest(lines)).get("default-route") is default_route


def test_labels_are_added_to_those_in_the_manifest():
    found = parse(manifest("  metadata:\n    labels: {team: registrar, opsportal-commit: old}\n"))
    text = for_platform(found, labels={"opsportal-commit": "1083b76"}, annotations={"by": "ada"})
    assert yaml.safe_load(text)["applications"][0]["metadata"] == {
        "labels": {"team": "registrar", "opsportal-commit": "1083b76"},
        "annotations": {"by": "ada"},
    }
    assert parse(manifest("")).application.get("metadata") is None


@pytest.mark.parametrize(
    ("asked", "variables", "filled"),
    [
        ("((X))", {"X": "text"}, "text"),
        ("((X))", {"X": 5}, 5),
        ("((X))", {"X": True}, True),
        ("((X))", {"X": "true"}, "true"),
        ("((X))", {"X": "4e1234567"}, "4e1234567"),
        ("((!X))", {"X": "text"}, "text"),
        ("((X.a.b))", {"X": {"a": {"b": "deep"}}}, "deep"),
        ("((größe/1-a_b))", {"größe/1-a_b": "odd"}, "odd"),
        ("https://((HOST)):((PORT))/", {"HOST": "a.gov", "PORT": 8080}, "https://a.gov:8080/"),
        ("((A))((B))", {"A": "((B))", "B": "2"}, "((B))2"),
        ("((no such syntax))", {}, "((no such syntax))"),
        ("( (X))", {}, "( (X))"),
    ],
)
def test_variables_are_filled_in_as_the_command_does(asked, variables, filled):
    found = parse(manifest(f"  env:\n    V: '{asked}'\n"))
    assert interpolate(found, variables).application["env"]["V"] == filled
    assert interpolate(found, {**variables, "UNUSED": 1}).app_name == "getgov-ab"


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_whatever_a_branch_is_called_it_arrives_as_that_text(name):
    found = parse(manifest("  env:\n    GIT_BRANCH: ((GIT_BRANCH))\n"))
    text = for_platform(found, {"GIT_BRANCH": name})
    assert read_yaml(text).value["applications"][0]["env"]["GIT_BRANCH"] == name


def test_a_variable_in_a_size_is_checked_once_it_is_known():
    found = parse(manifest("  memory: ((MEMORY))\n  instances: ((COUNT))\n"))
    assert (found.memory_mb, found.instances, found.variables) == (None, None, {"MEMORY", "COUNT"})
    filled = interpolate(found, {"MEMORY": "1G", "COUNT": 3})
    assert (filled.memory_mb, filled.instances, filled.variables) == (1024, 3, frozenset())
    with pytest.raises(ManifestError, match="Line 5: “lots” is no size"):
        interpolate(found, {"MEMORY": "lots", "COUNT": 3})


@pytest.mark.parametrize("variables", [{}, {"B": None}, {"B": "x"}])
def test_variables_without_a_value_are_all_named(variables):
    found = parse(manifest("  env:\n    X: ((B))-((A.a))\n    Y: ((C))\n"))
    with pytest.raises(MissingVariables) as refused:
        for_platform(found, variables)
    assert refused.value.names == (("A.a", "C") if variables.get("B") else ("A.a", "B", "C"))
    assert "((C))" in refused.value.problem
    assert ("that is given: ((B))." in refused.value.remedy) is bool(variables.get("B"))


@pytest.mark.parametrize("value", [True, 1.5, ["a"], {"a": 1}])
def test_only_texts_and_whole_numbers_can_stand_within_a_text(value):
    with pytest.raises(ManifestError, match=r"\(\(X\)\) is used within a longer text"):
        interpolate(parse(manifest("  env:\n    V: a-((X))\n")), {"X": value})


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "problem", "line"),
    [
        ("", "empty", None),
        ("---\n", "empty", None),
        ("applications: []", "no application", 1),
        ("version: 1\n", "no application", None),
        ("applications: {name: x}", "not a list", 1),
        ("applications: [x]", "not a mapping", 1),
        ("[1, 2]", "not a mapping with", 1),
        ("just text", "not a mapping with", 1),
        ("applications:\n- name: getgov-ab\n- name: worker\n", "describes 2 applications", 3),
        ("version: 2\napplications:\n- name: getgov-ab\n", "version 1", 1),
        ("applications:\n- path: x\n", "no name", 2),
        ("applications:\n- name: ((NAME))\n", "called “((NAME))”", 2),
        (manifest(environment="cw"), "must be “getgov-ab”", 3),
        (manifest("  memory: 512\n"), "“512” is no size", 5),
        (manifest("  memory: lots\n"), "no size", 5),
        (manifest("  disk_quota: 1X\n"), "no size", 5),
        (manifest("  disk_quota: 1G\n  disk-quota: 1G\n"), "given twice", 6),
        (manifest("  instances: -1\n"), "no number of instances", 5),
        (manifest("  instances: yes\n"), "no number of instances", 5),
        (manifest("  timeout: soon\n"), "no timeout", 5),
        (manifest("  health-check-type: tcp\n"), "no kind of health check", 5),
        (manifest("  env: [A]\n"), "“env” is not a mapping", 5),
        (manifest("  env:\n    PORT: 1\n"), "PORT is the platform's own", 6),
        (manifest("  env:\n    vcap_services: 1\n"), "platform's own", 6),
        (manifest("  routes:\n  - a.b\n"), "a route is not written", 6),
        (manifest("  routes: a.b\n"), "“routes” is not a list", 5),
        (manifest("  services:\n  - {plan: x}\n"), "a service has no name", 6),
        (manifest("  processes:\n  - command: x\n"), "no “type”", 6),
        (manifest("  buildpack: a\n  buildpacks: [b]\n"), "both “buildpack”", 5),
        (manifest("  path: a\n"), "“path” is given twice", 5),
        ("applications:\n- name: getgov-ab\n  path: ../../../etc\n", "leads out of the repository", 3),
        ("applications:\n- name: getgov-ab\n  path: /etc\n", "leads out of the repository", 3),
        ("applications:\n- name: getgov-ab\n  path: 5\n", "not the name of a folder", 3),
        ("a: 1\na: 2\n", "“a” is given twice", 2),
        ("a: [", "not YAML", None),
        ("\tx: 1", "not YAML", 1),
        ("a: *b", "no anchor “b”", 1),
        ("a: &a [*a]", "no anchor “a”", 1),
        ("a: 1\n--- \nb: 2\n", "several documents", 2),
        ("? [a]\n: b\n", "a key must be a word", 1),
        ("a: !!python/object:os.system x", "no place in a manifest", 1),
        ("a: !!binary aGk=", "no place in a manifest", 1),
        ("<<: 5", "only a mapping can be merged", 1),
        ("[" * 200, "nested too deeply", 1),
        ("a: " + "{a: " * 500_00, "nested too deeply", 1),
        ("- " * 10_000, "nested too deeply", 1),
        (BOMB, "far larger", None),
        ("a: &a " + "x" * 500_000 + "\nb: [*a, *a, *a]", "far larger", 1),
        ("a: [" + "1," * 100_000 + "]", "far larger", 1),
        ("x" * (1024 * 1024 + 1), "larger than the 1 MB", None),
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe", "not a text file", 1),
        (b"a: 1\nb: caf\xe9\n", "not a text file", 2),
        ("a: \x00", "not YAML", None),
        ("a: \ud800", "not a text file", 1),
    ],
)
def test_a_bad_manifest_says_what_is_wrong_where_and_what_to_do(text, problem, line):
    with pytest.raises(ManifestError) as refused:
        parse(text)
    assert problem in refused.value.problem
    assert refused.value.remedy
    if line is not None:
        assert refused.value.line == line
        assert refused.value.problem.startswith(f"Line {line}: ")


@given(st.one_of(st.text(), st.binary()))
def test_any_bytes_at_all_are_a_manifest_or_a_manifest_error(text):
    with pytest.raises(ManifestError):
        parse(text)


@given(
    st.dictionaries(
        st.sampled_from(
            ["memory", "env", "routes", "services", "processes", "path", "buildpacks", "timeout", "name"]
        ),
        st.recursive(
            st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.just("((X))")),
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_shape_of_an_application_is_taken_or_refused_in_words(application):
    text = write_yaml({"applications": [{"name": "getgov-ab", **application}]})
    with contextlib.suppress(ManifestError):
        yaml.safe_load(for_platform(parse(text), {"X": "1G"}))


@pytest.mark.parametrize(
    ("lines", "warning"),
    [
        (
            "  memroy: 1G\n",
            "“memroy” of the application is not known to the platform, which ignores it. Was “memory”",
        ),
        ("  health_check_type: http\n", None),
        ("  host: x\n", "“host” is no longer known to the platform: list whole names"),
        ("  processes:\n  - {type: worker, intances: 1}\n", "“intances” of the process worker"),
        ("  env:\n    A: [1]\n", "A is a list or mapping"),
    ],
)
def test_what_the_platform_would_ignore_is_warned_about(lines, warning):
    warnings = parse(manifest(lines)).warnings
    assert warnings == () if warning is None else len(warnings) == 1 and warning in warnings[0]


def test_the_entry_for_the_web_process_wins():
    found = parse(
        manifest("  memory: 1G\n  processes:\n  - {type: web, memory: 2G, instances: 3, command: run}\n")
    )
    assert (found.memory_mb, found.instances, found.command) == (2048, 3, "run")


@pytest.mark.parametrize(
    ("path", "given", "source"),
    [
        ("ops/manifests/m.yaml", "../../src", "src"),
        ("ops/manifests/m.yaml", ".", "ops/manifests"),
        ("m.yaml", "./src/", "src"),
        ("m.yaml", ".", ""),
        ("cf/m.yaml", "..", ""),
    ],
)
def test_the_source_counts_from_where_the_manifest_lies(path, given, source):
    text = f"applications:\n- name: getgov-ab\n  path: {given}\n"
    assert parse_manifest(text, environment="ab", path=path).path == source


def test_without_a_path_the_whole_repository_is_pushed():
    assert parse("applications:\n- name: getgov-ab\n").path == ""


def test_another_team_names_its_applications_its_own_way():
    text = "applications:\n- name: shop-qa-web\n"
    assert parse_manifest(text, environment="qa", app_name="shop-{environment}-web").app_name == "shop-qa-web"


@pytest.mark.parametrize(
    ("size", "megabytes"),
    [
        ("512M", 512),
        ("1g", 1024),
        ("1.5GB", 1536),
        ("2048KB", 2),
        ("1T", 1048576),
        ("1048576B", 1),
        ("1", None),
        (5, None),
    ],
)
def test_sizes_are_read_in_every_unit_the_platform_knows(size, megabytes):
    assert size_in_mb(size) == megabytes
