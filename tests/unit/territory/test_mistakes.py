"""Every mistake is told at its exact place, in both languages. ▲ stands before that place."""

import pytest

from beffroi.kernel.catalogue import Language, entries
from beffroi.territory.yaml_text import MAX_FILE_BYTES
from tests.unit.territory.conftest import FindingsOf

_HEAD = """\
territory: {name: essai, title: Essai, domain: localhost}
organisations: {ville: {title: Ville}}
sites: {mairie: {title: Mairie, latitude: 48, longitude: 0.2}}
hosts: {s1: {site: mairie, cpus: 2, memory_gib: 2, disk_gib: 100}}
"""
_GIT = 'source: {git: "https://git.example/a.git"}'


def _application(lines: str, *, kind: str = "python") -> str:
    """Write a territory with one application, sound but for these lines."""
    common = f"    organisation: ville\n    title: A\n    kind: {kind}\n    {_GIT}\n"
    extra = "".join(f"    {line}\n" for line in lines.splitlines())
    return f"{_HEAD}applications:\n  a:\n{common}{extra}"


def _python(lines: str) -> str:
    return _application(f"entry: a:b\n{lines}")


def _with_source(source: str) -> str:
    return _python("").replace(_GIT, source)


def _with_meter(lines: str) -> str:
    """Write a territory whose host has a meter."""
    return _HEAD.replace("disk_gib: 100", f"disk_gib: 100, meter: {{{lines}}}")


MISTAKES = {
    "file_empty": "▲# nothing yet\n",
    "control_character": _HEAD + 'include: [▲"a\\x01.yaml"]\n',
    "root_not_mapping": "▲- a\n- b\n",
    "too_deep": _HEAD + "include: " + "[" * 15 + "▲[",
    "include_missing": _HEAD + 'include: [▲"applications/*.yaml"]\n',
    "include_loop": _HEAD + "include: [▲territory.yaml]\n",
    "duplicate_key": _python("▲title: B"),
    "key_not_text": _HEAD + "▲[a, b]: c\n",
    "merge_not_mapping": _HEAD + "applications:\n  <<: ▲a\n",
    "unusable_value": _HEAD.replace("48", "▲.nan"),
    "yaml_tab": "territory:\n▲\tname: essai\n",
    "yaml_colon": "territory: name▲: essai\n",
    "yaml_unknown_anchor": "territory: ▲*essai\n",
    "yaml_second_document": _HEAD + "▲---\na: 1\n",
    "yaml_unclosed_quote": "territory: ▲'essai\n",
    "yaml_unclosed_bracket": "territory: ▲{name: essai\n",
    "yaml_missing_value": "include: [a.yaml, ▲, b.yaml]\n",
    "yaml_indentation": "territory:\n    name: essai\n  ▲title: Essai\n",
    "yaml_reserved_character": "territory: ▲@essai\n",
    "yaml_syntax": 'territory: "▲\\q"\n',
    "unknown_key": _python("▲entri: a:b"),
    "missing_key": _python("").replace("  a:\n", "  ▲a:\n").replace("    title: A\n", ""),
    "no_value": _python("▲jobs:"),
    "expected_text": _python("environment: {DEBUG: ▲1}"),
    "expected_integer": _python("limits: {memory_mib: ▲512.0}"),
    "expected_number": _python("limits: {cpus: ▲one}"),
    "expected_boolean": _python('database: ▲"true"'),
    "expected_list": _python("build: ▲make"),
    "expected_mapping": _python("jobs: ▲[publish]"),
    "not_a_choice": _python("interface: ▲asg"),
    "below_minimum": _python("limits: {memory_mib: ▲15}"),
    "above_maximum": _python("health: {within_s: ▲3601}"),
    "text_empty": _HEAD.replace("title: Ville", 'title: ▲""'),
    "text_too_long": _HEAD.replace("title: Ville", "title: ▲" + "V" * 121),
    "list_empty": _python("hosts: ▲[]"),
    "not_a_slug": _HEAD.replace("ville:", "▲Ville:"),
    "not_a_host_name": _python("aliases: [▲Ville.localhost]"),
    "not_an_environment_name": _python("environment: {▲1A: x}"),
    "not_a_query_name": _python('pages: {queries: [page, ▲"a b"]}'),
    "not_a_cookie_name": _python('pages: {ignored_cookies: [▲"a;b"]}'),
    "not_an_entry": _application("entry: ▲mairie.wsgi"),
    "not_a_url_path": _python("redirects: {▲ancien: /nouveau}"),
    "not_a_redirect_target": _python("redirects: {/ancien: ▲http://example.org}"),
    "not_a_relative_path": _python("requirements: ▲../requirements.txt"),
    "not_an_include": _HEAD + "include: [▲../other.yaml]\n",
    "not_a_git_url": _with_source('source: {git: ▲"ext::sh -c x"}'),
    "not_a_git_ref": _with_source("source: {git: /srv/a.git, ref: ▲--upload-pack=x}"),
    "not_an_object_identifier": _with_meter("kind: snmp, oid: ▲power"),
    "not_an_mqtt_topic": _with_meter('kind: mqtt, topic: ▲"tele/#"'),
    "not_an_absolute_path": _with_meter("kind: file, file: ▲watts"),
    "key_not_for_kind": _application("▲database: true", kind="static"),
    "entry_or_start": _application("entry: a:b\n▲start: serve"),
    "key_needs": _python("▲listens: port"),
    "source_not_one": _with_source("▲source: {ref: main}").replace("{ref: main}", "{}"),
    "source_outside": _with_source("source: {folder: ▲../elsewhere}"),
    "folder_missing": _with_source("source: {folder: ▲nowhere}"),
    "archive_missing": _with_source("source: {archive: ▲nowhere.tar.gz}"),
    "not_a_command": _python('build: ["make", ▲"echo \'a"]'),
    "schedule_not_five_fields": _python('jobs: {j: {schedule: ▲"* * *", command: x}}'),
    "not_a_schedule": _python('jobs: {j: {schedule: ▲"0 0 30 2 *", command: x}}'),
    "secret_in_environment": _python("environment: {KEY: x}\nsecrets: [OTHER, ▲KEY]"),
    "unknown_reference": _python("").replace("organisation: ville", "organisation: ▲vile"),
    "empty_section": _HEAD.replace(
        "sites: {mairie: {title: Mairie, latitude: 48, longitude: 0.2}}\n", ""
    ).replace("site: mairie", "site: ▲mairie"),
    "host_name_twice": _python("hosts: [a.fr]\naliases: [▲a.fr]"),
    "memory_exceeded": _python("limits: {memory_mib: 2049}").replace("hosts:", "▲hosts:"),
}
_TOLD_ELSEWHERE = {
    "none_applied",
    "invalid",
    "version_moved",
    "file_missing",
    "file_unreadable",
    "file_too_large",
    "file_not_utf8",
    "too_many_values",
    "too_many_files",
    "declared_twice",
    "not_a_date",
    "not_of_the_form",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_at_its_line_and_column(name: str, findings_of: FindingsOf) -> None:
    before, after = MISTAKES[name].split("▲")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = findings_of(before + after)
    assert [(f.code, f.line, f.column) for f in found] == [(f"territory.{name}", line, column)]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_a_sentence_and_a_remedy(
    name: str, language: Language, findings_of: FindingsOf
) -> None:
    (finding,) = findings_of(MISTAKES[name].replace("▲", ""))
    told = finding.told(language)
    assert "{" not in told.replace("{name: ..., title: ..., domain: ...}", "").replace("{…}", "")
    assert told.startswith(f"{finding.file}:{finding.line}:{finding.column}  ")
    assert len(told.splitlines()) == 2


def test_every_sentence_of_the_catalogue_has_a_mistake_that_tells_it() -> None:
    told = {key.split(".")[1] for key in entries("territory", Language.FR) if key[:7] == "errors."}
    assert told == MISTAKES.keys() | _TOLD_ELSEWHERE


def test_both_catalogues_have_the_same_keys() -> None:
    french, english = (entries("territory", language) for language in Language)
    assert french.keys() == english.keys()


def test_an_unknown_key_names_the_nearest_known_one(findings_of: FindingsOf) -> None:
    (finding,) = findings_of(_python("requirement: r.txt"))
    assert "«requirements»" in finding.message(Language.EN)


def test_a_duplicate_key_tells_the_line_of_the_first(findings_of: FindingsOf) -> None:
    (finding,) = findings_of(MISTAKES["duplicate_key"].replace("▲", ""))
    assert finding.values["line"] == len(_HEAD.splitlines()) + 4


def test_memory_is_told_with_both_figures(findings_of: FindingsOf) -> None:
    (finding,) = findings_of(MISTAKES["memory_exceeded"].replace("▲", ""))
    message = finding.message(Language.EN)
    assert "2049 MiB of memory; the hosts have only 2048." in message


def test_a_file_that_is_not_utf8_tells_the_first_wrong_byte(findings_of: FindingsOf) -> None:
    (finding,) = findings_of("territory:\n  title: Métropole é".encode() + b" \xe9\n")
    assert (finding.code, finding.line, finding.column) == ("territory.file_not_utf8", 2, 22)


def test_a_file_that_is_too_large_is_refused_unread(findings_of: FindingsOf) -> None:
    (finding,) = findings_of(b"#" * (MAX_FILE_BYTES + 1))
    assert finding.code == "territory.file_too_large"


def test_a_control_character_in_the_text_is_told_at_its_place(findings_of: FindingsOf) -> None:
    (finding,) = findings_of("territory:\n  title: a\x00\n")
    assert (finding.code, finding.line, finding.column) == ("territory.control_character", 2, 11)


def test_anchors_that_multiply_are_refused(findings_of: FindingsOf) -> None:
    levels = "".join(f"  - &l{n + 1} [{', '.join([f'*l{n}'] * 9)}]\n" for n in range(8))
    (finding,) = findings_of(f"include:\n  - &l0 [x]\n{levels}")
    assert finding.code == "territory.too_many_values"


def test_an_anchor_that_holds_itself_is_refused(findings_of: FindingsOf) -> None:
    (finding,) = findings_of("include: &self [*self]\n")
    assert finding.code == "territory.too_deep"


def test_nesting_that_would_overflow_the_stack_is_refused(findings_of: FindingsOf) -> None:
    (finding,) = findings_of("- " * 200_000)
    assert (finding.code, finding.line, finding.column) == ("territory.too_deep", 1, 33)


def test_a_mistake_under_a_shared_anchor_is_told_once(findings_of: FindingsOf) -> None:
    text = _python("limits: &small {memory_mib: 1}\nhealth: {within_s: 5}")
    other = (
        text.split("applications:\n")[1]
        .replace("  a:", "  b:")
        .replace("&small {memory_mib: 1}", "*small")
    )
    (finding,) = findings_of(text + other)
    assert finding.path == ("applications", "a", "limits", "memory_mib")


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(findings_of: FindingsOf) -> None:
    text = _python("interface: asg\nbuild: ['']\nsecrets: [KEY]\nenvironment: {KEY: x}\nhost: [a]")
    found = findings_of(text.replace("title: Ville", "title: 1"))
    assert [finding.code.partition(".")[2] for finding in found] == [
        "expected_text",
        "not_a_choice",
        "text_empty",
        "secret_in_environment",
        "unknown_key",
    ]


def test_a_broken_organisation_is_not_told_as_unknown_by_its_applications(
    findings_of: FindingsOf,
) -> None:
    (finding,) = findings_of(_python("").replace("title: Ville", "title: 1"))
    assert finding.path == ("organisations", "ville", "title")
