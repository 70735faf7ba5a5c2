"""A territory may be written in several files."""

import pytest

from beffroi.kernel.catalogue import Language
from beffroi.territory import includes
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.loading import load_territory
from tests.unit.territory.conftest import FindingsOf, Write

_IDENTITY = "territory: {name: essai, title: Essai, domain: localhost}\n"


def test_an_included_file_adds_its_declarations(write: Write) -> None:
    write("organisations: {ville: {title: Ville}}\n", "parts/ville.yaml")
    territory = load_territory(write(_IDENTITY + "include: ['parts/*.yaml']\n")).territory
    assert territory.organisations["ville"].domain == "ville.localhost"


def test_an_included_file_includes_others_from_its_own_folder(write: Write) -> None:
    write("include: [c.yaml]\n", "parts/b.yaml")
    write("organisations: {ville: {title: Ville}}\n", "parts/c.yaml")
    territory = load_territory(write(_IDENTITY + "include: [parts/b.yaml]\n")).territory
    assert list(territory.organisations) == ["ville"]


def test_a_file_met_twice_is_read_once(write: Write) -> None:
    write("organisations: {ville: {title: Ville}}\n", "b.yaml")
    file = write(_IDENTITY + "include: [b.yaml, 'b*.yaml']\n")
    assert list(load_territory(file).territory.organisations) == ["ville"]


def test_a_key_declared_in_two_files_tells_both_places(
    write: Write, findings_of: FindingsOf
) -> None:
    included = write("# part\norganisations:\n  ville: {title: Autre}\n", "b.yaml")
    text = _IDENTITY + "organisations: {ville: {title: Ville}}\ninclude: [b.yaml]\n"
    (finding,) = findings_of(text)
    assert (finding.file, finding.line, finding.column) == (str(included), 3, 3)
    assert "territory.yaml:2:17" in finding.message(Language.EN)


def test_a_loop_through_another_file_is_told_where_it_closes(
    write: Write, findings_of: FindingsOf
) -> None:
    included = write("include: [territory.yaml]\n", "b.yaml")
    (finding,) = findings_of(_IDENTITY + "include: [b.yaml]\n")
    assert (finding.code, finding.file) == ("territory.include_loop", str(included))


def test_a_mistake_in_an_included_file_names_that_file(
    write: Write, findings_of: FindingsOf
) -> None:
    included = write("sites: {mairie: {title: M, latitude: 91, longitude: 0}}\n", "b.yaml")
    (finding,) = findings_of(_IDENTITY + "include: [b.yaml]\n")
    assert (finding.file, finding.line, finding.column) == (str(included), 1, 38)


def test_an_included_file_names_no_territory(write: Write, findings_of: FindingsOf) -> None:
    write(_IDENTITY, "b.yaml")
    (finding,) = findings_of(_IDENTITY + "include: [b.yaml]\n")
    assert (finding.code, finding.path) == ("territory.unknown_key", ("territory",))


def test_a_broken_included_file_does_not_make_its_names_unknown(
    write: Write, findings_of: FindingsOf
) -> None:
    write("organisations: {ville: {title: a}\n", "b.yaml")
    hosts = "hosts: {s1: {site: mairie, cpus: 1, memory_gib: 1, disk_gib: 1}}\n"
    (finding,) = findings_of(_IDENTITY + hosts + "include: [b.yaml]\n")
    assert finding.code == "territory.yaml_unclosed_bracket"


def test_a_missing_territory_file_is_told(write: Write) -> None:
    file = write("").with_name("elsewhere.yaml")
    with pytest.raises(TerritoryInvalidError) as raised:
        load_territory(file)
    assert [(f.code, f.file) for f in raised.value.found] == [("territory.file_missing", str(file))]


def test_a_folder_in_place_of_a_file_is_told(write: Write) -> None:
    with pytest.raises(TerritoryInvalidError) as raised:
        load_territory(write("").parent)
    assert [f.code for f in raised.value.found] == ["territory.file_unreadable"]


def test_more_files_than_a_territory_has_are_refused(
    write: Write, findings_of: FindingsOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(includes, "MAX_FILES", 3)
    for name in "bcde":
        write("sites: {}\n", f"parts/{name}.yaml")
    (finding,) = findings_of(_IDENTITY + "include: ['parts/*.yaml']\n")
    assert finding.code == "territory.too_many_files"


def test_the_digest_changes_with_any_file(write: Write) -> None:
    write("sites: {}\n", "b.yaml")
    file = write(_IDENTITY + "include: [b.yaml]\n")
    before = load_territory(file).digest
    write("sites: {} # none\n", "b.yaml")
    assert load_territory(file).digest != before
