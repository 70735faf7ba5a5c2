"""Two territories differ by nouns and by fields, in an order that can be followed."""

import msgspec

from beffroi.kernel.catalogue import Language
from beffroi.territory.cli import rendered_difference
from beffroi.territory.difference import Change, ChangeKind, FieldChange, Noun, differences
from beffroi.territory.model import (
    Application,
    ApplicationKind,
    Job,
    Limits,
    Organisation,
    Site,
    Source,
    Territory,
)

_BUS = Application(
    name="bus",
    organisation="ville",
    title="Bus",
    kind=ApplicationKind.COMMAND,
    source=Source(git="/srv/bus.git"),
    start="serve",
    hosts=("bus.fr",),
)
_TERRITORY = Territory(
    name="essai",
    title="Essai",
    domain="localhost",
    organisations={"ville": Organisation(name="ville", title="Ville", domain="ville.fr")},
    sites={"mairie": Site(name="mairie", title="Mairie", latitude=48.0, longitude=0.2)},
    applications={"bus": _BUS},
)


def _with_bus(**fields: object) -> Territory:
    bus = msgspec.structs.replace(_BUS, **fields)
    return msgspec.structs.replace(_TERRITORY, applications={"bus": bus})


def test_a_territory_does_not_differ_from_itself() -> None:
    assert differences(_TERRITORY, msgspec.structs.replace(_TERRITORY)) == ()


def test_a_first_territory_adds_owners_before_what_they_own() -> None:
    assert differences(None, _TERRITORY) == (
        Change(ChangeKind.ADDED, Noun.TERRITORY, "essai"),
        Change(ChangeKind.ADDED, Noun.ORGANISATION, "ville", "ville"),
        Change(ChangeKind.ADDED, Noun.SITE, "mairie"),
        Change(ChangeKind.ADDED, Noun.APPLICATION, "bus", "ville"),
    )


def test_what_is_removed_goes_before_its_owner() -> None:
    empty = Territory(name="essai", title="Essai", domain="localhost")
    removed = [(change.kind, change.noun) for change in differences(_TERRITORY, empty)]
    assert removed == [
        (ChangeKind.REMOVED, Noun.APPLICATION),
        (ChangeKind.REMOVED, Noun.SITE),
        (ChangeKind.REMOVED, Noun.ORGANISATION),
    ]


def test_additions_go_before_removals() -> None:
    after = msgspec.structs.replace(
        _TERRITORY, applications={"velo": msgspec.structs.replace(_BUS, name="velo")}
    )
    kinds = [(change.kind, change.name) for change in differences(_TERRITORY, after)]
    assert kinds == [(ChangeKind.ADDED, "velo"), (ChangeKind.REMOVED, "bus")]


def test_a_changed_field_is_told_by_its_path() -> None:
    (change,) = differences(_TERRITORY, _with_bus(limits=Limits(memory_mib=1024)))
    assert change.fields == (FieldChange("limits.memory_mib", 512, 1024),)


def test_a_new_job_is_one_field() -> None:
    job = Job(name="count", schedule="* * * * *", command="count")
    (change,) = differences(_TERRITORY, _with_bus(jobs={"count": job}))
    assert [(field.path, field.before) for field in change.fields] == [("jobs.count", None)]


def test_the_order_of_host_names_is_a_difference() -> None:
    before, after = _with_bus(hosts=("a.fr", "b.fr")), _with_bus(hosts=("b.fr", "a.fr"))
    (change,) = differences(before, after)
    assert change.fields == (FieldChange("hosts", ("a.fr", "b.fr"), ("b.fr", "a.fr")),)


def test_the_title_of_the_territory_is_a_difference() -> None:
    (change,) = differences(_TERRITORY, msgspec.structs.replace(_TERRITORY, title="Autre"))
    assert change == Change(
        ChangeKind.CHANGED,
        Noun.TERRITORY,
        "essai",
        fields=(FieldChange("title", "Essai", "Autre"),),
    )


def test_changes_are_written_one_per_line() -> None:
    job = Job(name="count", schedule="* * * * *", command="count")
    before = _with_bus(jobs={"count": job}, database=False)
    text = rendered_difference(differences(before, _with_bus(database=True)), Language.FR)
    assert text.splitlines()[:2] == ["~ application bus", "    database: false → true"]
    assert text.splitlines()[2].endswith("→ (absent)")


def test_no_change_is_said() -> None:
    assert rendered_difference((), Language.FR) == "Aucune différence."
    assert rendered_difference((), Language.EN) == "No difference."
