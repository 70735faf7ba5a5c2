"""A sound file becomes a typed territory with every default filled in."""

import string
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.kernel.catalogue import Language
from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.loading import load_territory
from beffroi.territory.model import (
    Application,
    ApplicationKind,
    HealthCheck,
    Job,
    Limits,
    Listening,
    ServerInterface,
    Source,
    Territory,
)
from tests.unit.territory.conftest import Write

_SAMPLE = """\
territory: {name: essai, title: Essai, domain: localhost}
organisations: {ville: {title: Ville}, agglo: {title: Agglo, domain: agglo.fr}}
sites: {mairie: {title: Mairie, latitude: 48, longitude: 0.2}}
hosts: {s1: {site: mairie, cpus: 2, memory_gib: 8, disk_gib: 100}}
applications:
  vitrine:
    organisation: ville
    title: Vitrine
    kind: static
    source: {folder: vitrine}
  bus:
    organisation: agglo
    title: Bus
    kind: python
    source: {git: "https://git.example/bus.git"}
    entry: bus.web:application
    limits: &small {memory_mib: 256}
    jobs:
      count: {schedule: "*/5 * * * *", command: "python -m bus.count"}
  carte:
    organisation: agglo
    title: Carte
    kind: command
    source: {git: "https://git.example/carte.git"}
    start: "carte --serve"
    limits: {<<: *small, processes: 8}
"""


@pytest.fixture
def sample(write: Write) -> Territory:
    write("", "vitrine/index.html")
    return load_territory(write(_SAMPLE)).territory


def test_a_noun_takes_the_name_of_its_key(sample: Territory) -> None:
    assert sample.applications["bus"].name == "bus"
    assert sample.applications["bus"].jobs["count"].name == "count"
    assert (sample.name, sample.hosts["s1"].name, sample.sites["mairie"].name) == (
        "essai",
        "s1",
        "mairie",
    )


def test_an_organisation_gets_a_domain_under_that_of_the_territory(sample: Territory) -> None:
    assert sample.organisations["ville"].domain == "ville.localhost"
    assert sample.organisations["agglo"].domain == "agglo.fr"


def test_an_application_gets_a_host_name_under_its_organisation(sample: Territory) -> None:
    assert sample.applications["vitrine"].canonical_host == "vitrine.ville.localhost"
    assert sample.applications["bus"].hosts == ("bus.agglo.fr",)


def test_a_relative_folder_becomes_absolute(sample: Territory, tmp_path: Path) -> None:
    assert sample.applications["vitrine"].source.folder == str(tmp_path / "vitrine")


def test_what_is_not_written_has_its_default(sample: Territory) -> None:
    assert sample.applications["carte"] == Application(
        name="carte",
        organisation="agglo",
        title="Carte",
        kind=ApplicationKind.COMMAND,
        source=Source(git="https://git.example/carte.git", ref="HEAD"),
        start="carte --serve",
        interface=ServerInterface.WSGI,
        listens=Listening.SOCKET,
        public=".",
        hosts=("carte.agglo.fr",),
        limits=Limits(memory_mib=256, cpus=1.0, processes=8),
        health=HealthCheck(path="/", within_s=60),
    )


def test_a_job_is_read_with_its_deadline(sample: Territory) -> None:
    assert sample.applications["bus"].jobs["count"] == Job(
        name="count", schedule="*/5 * * * *", command="python -m bus.count", deadline_s=600
    )


def test_merged_keys_yield_to_those_written_beside(sample: Territory) -> None:
    assert sample.applications["bus"].limits == Limits(memory_mib=256)
    assert sample.applications["carte"].limits.memory_mib == 256


def test_an_absolute_folder_may_lie_elsewhere(
    write: Write, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    text = _SAMPLE.replace("folder: vitrine", f"folder: {elsewhere}")
    territory = load_territory(write(text)).territory
    assert territory.applications["vitrine"].source.folder == str(elsewhere)


def test_an_archive_is_found_beside_the_included_file(write: Write, tmp_path: Path) -> None:
    write(b"PK", "parts/site.zip")
    application = "{organisation: ville, title: S, kind: static, source: {archive: site.zip}}"
    write(f"applications: {{site: {application}}}\n", "parts/site.yaml")
    write("", "vitrine/index.html")
    file = write(_SAMPLE + "include: [parts/site.yaml]\n")
    found = load_territory(file).territory.applications["site"].source.archive
    assert found == str(tmp_path / "parts" / "site.zip")


def test_a_link_that_leaves_the_folder_is_refused(write: Write, tmp_path: Path) -> None:
    (tmp_path / "vitrine").symlink_to("/usr")
    with pytest.raises(TerritoryInvalidError) as raised:
        load_territory(write(_SAMPLE))
    assert [finding.code for finding in raised.value.found] == ["territory.source_outside"]


def test_static_applications_count_for_no_memory(write: Write) -> None:
    write("", "vitrine/index.html")
    text = _SAMPLE.replace("folder: vitrine}", "folder: vitrine}\n    limits: {memory_mib: 100000}")
    assert load_territory(write(text)).territory.applications["vitrine"].limits.memory_mib == 100000


def test_words_that_yaml_reads_as_booleans_may_be_keys(write: Write) -> None:
    text = _SAMPLE.replace("organisations: {", "organisations: {no: {title: Non}, ")
    write("", "vitrine/index.html")
    assert load_territory(write(text)).territory.organisations["no"].title == "Non"


def test_a_byte_order_mark_is_read_over(write: Write) -> None:
    write("", "vitrine/index.html")
    assert load_territory(write(b"\xef\xbb\xbf" + _SAMPLE.encode())).territory.name == "essai"


def test_the_error_says_how_many_mistakes_there_are(write: Write) -> None:
    with pytest.raises(TerritoryInvalidError) as raised:
        load_territory(write("sites: 1\nhosts: 2\n"))
    assert "3" in raised.value.message(Language.FR)
    assert [told["line"] for told in raised.value.findings(Language.EN)] == [1, 1, 2]


@pytest.fixture(scope="module")
def shared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that the examples of hypothesis overwrite."""
    folder = tmp_path_factory.mktemp("territory")
    (folder / "vitrine").mkdir()
    return folder / "territory.yaml"


def _name_or_findings(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    try:
        return load_territory(file).territory.name
    except TerritoryInvalidError as error:
        return error.told(Language.FR)


@given(content=st.binary(max_size=200))
def test_any_bytes_load_or_are_told(shared_file: Path, content: bytes) -> None:
    assert _name_or_findings(shared_file, content)


@given(text=st.text(alphabet="{}[]:,-&*<!|>'\"%@`#?\n\t abc019=.~\\x", max_size=80))
def test_any_yaml_like_text_loads_or_is_told(shared_file: Path, text: str) -> None:
    assert _name_or_findings(shared_file, text.encode())


@given(
    start=st.integers(0, len(_SAMPLE)),
    length=st.integers(0, 30),
    inserted=st.text(max_size=6) | st.sampled_from(_SAMPLE.split()),
)
def test_a_damaged_file_loads_or_is_told(
    shared_file: Path, start: int, length: int, inserted: str
) -> None:
    damaged = _SAMPLE[:start] + inserted + _SAMPLE[start + length :]
    assert _name_or_findings(shared_file, damaged.encode(errors="surrogatepass"))


_WORDS = st.sampled_from(sorted(set(string.punctuation) | set(_SAMPLE.replace(":", "").split())))
_KEYS = st.sampled_from(
    [field for kind in (Territory, Application, Job, Source) for field in kind.__struct_fields__]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(path=st.lists(_KEYS, max_size=2), value=_VALUES)
def test_any_value_under_a_known_key_loads_or_is_told(
    shared_file: Path, path: list[str], value: object
) -> None:
    data: dict[str, Any] = yaml.safe_load(_SAMPLE)
    at = data if len(path) < 2 else data["applications"]["bus"]
    at[path[-1] if path else "jobs"] = value
    assert _name_or_findings(shared_file, yaml.safe_dump(data, allow_unicode=True).encode())


_SLUGS = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?", fullmatch=True)
_TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=20)
_NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True)


def _written_applications() -> st.SearchStrategy[dict[str, Any]]:
    application = st.fixed_dictionaries(
        {
            "organisation": st.just("ville"),
            "title": _TEXTS,
            "kind": st.just("command"),
            "source": st.just({"git": "/srv/a.git"}),
            "start": st.just("serve 'all of it'"),
        },
        optional={
            "listens": st.sampled_from(["socket", "port"]),
            "environment": st.dictionaries(_NAMES, _TEXTS, max_size=3),
            "volumes": st.lists(_SLUGS, max_size=3),
            "database": st.booleans(),
            "limits": st.fixed_dictionaries(
                {}, optional={"cpus": st.floats(0.05, 64), "memory_mib": st.integers(16, 64)}
            ),
            "redirects": st.dictionaries(st.just("/ancien"), st.just("https://example.org/b")),
        },
    )
    return st.dictionaries(_SLUGS, application, max_size=4)


@settings(max_examples=50)
@given(applications=_written_applications())
def test_a_territory_written_and_loaded_again_is_the_same(
    shared_file: Path, applications: dict[str, Any]
) -> None:
    data = {**yaml.safe_load(_SAMPLE), "applications": applications}
    shared_file.write_text(yaml.safe_dump(data, allow_unicode=True))
    first = load_territory(shared_file).territory
    shared_file.write_text(yaml.safe_dump(_written(first), allow_unicode=True))
    assert load_territory(shared_file).territory == first
    for name, application in applications.items():
        assert first.applications[name].title == application["title"]


def _written(territory: Territory) -> dict[str, Any]:
    """Write a territory as a file would, without the names that are keys."""
    data = msgspec.to_builtins(territory)
    identity = {key: data.pop(key) for key in ("name", "title", "domain")}
    for section in data.values():
        for entry in section.values():
            del entry["name"]
    return {"territory": identity, **data}
