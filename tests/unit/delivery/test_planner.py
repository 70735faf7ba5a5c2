"""The planner reaches its goal from any world, interrupted anywhere."""

from datetime import UTC, datetime, timedelta
from itertools import count

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from beffroi.delivery.model import (
    LOCAL_ISSUER,
    UNKNOWN,
    Configure,
    DeliveryStep,
    IssueCertificate,
    KeptCertificate,
    PlaceCertificate,
    PublishRoutes,
    RemoveCertificate,
    Snapshot,
    TellFiller,
    Wanted,
    WritePages,
    planned_steps,
    renewal_due,
    wanted_state,
)
from beffroi.delivery.sites import Sites, stored_sites
from tests.unit.delivery.territories import DIRECTORY, WITH_ACME, application, territory

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
LIFETIMES = {LOCAL_ISSUER: timedelta(days=365), DIRECTORY: timedelta(days=90)}
HOSTS = ("www.lemans.fr", "lemans.fr", "bus.ville.localhost", "a.b.ville.localhost", "autre.fr")
WANTED = wanted_state(
    territory(application("site", *HOSTS), domains={"ville": "lemans.fr"}), WITH_ACME
)
SITES = Sites(
    stored_sites(WANTED.applications, lambda application: application), frozenset({"0123456789ab"})
)
_digests = count()


def kept(name: str, names: tuple[str, ...], issuer: str, age: timedelta) -> KeptCertificate:
    born = NOW - age
    digest = f"digest {next(_digests)}"
    return KeptCertificate(name, names, issuer, born, born + LIFETIMES[issuer], digest)


def empty_world() -> Snapshot:
    return Snapshot(
        now=NOW,
        wanted=WANTED,
        kept={},
        placed={},
        served={},
        pages_written=False,
        configuration="text",
        configured=False,
        sites=SITES,
        told=None,
    )


def after(world: Snapshot, step: DeliveryStep) -> Snapshot:
    """Tell what the world is once a step was taken."""
    change: dict[str, object]
    match step:
        case WritePages():
            change = {"pages_written": True}
        case IssueCertificate(name, names, issuer):
            change = {"kept": {**world.kept, name: kept(name, names, issuer, timedelta(0))}}
        case PlaceCertificate(name):
            change = {"placed": {**world.placed, name: world.kept[name].digest}}
        case RemoveCertificate(name):
            change = {
                "kept": {key: one for key, one in world.kept.items() if key != name},
                "placed": {key: one for key, one in world.placed.items() if key != name},
            }
        case PublishRoutes(routes):
            change = {"served": routes}
        case Configure():
            change = {"configured": True}
        case TellFiller(sites):
            change = {"told": sites}
    return msgspec.structs.replace(world, **change)


def assert_reached(world: Snapshot, *, wanted: Wanted = WANTED) -> None:
    for name, certificate in wanted.certificates.items():
        found = world.kept[name]
        assert found.names == certificate.names
        assert certificate.issuer in {found.issuer, LOCAL_ISSUER}
        assert not renewal_due(found, world.now)
        assert world.placed[name] == found.digest
    assert world.served == wanted.routes
    assert world.pages_written
    assert world.configured
    assert world.told == world.sites


@st.composite
def worlds(draw: st.DrawFn) -> Snapshot:
    """Any world: certificates of any age, files of any content, half of the rest done."""
    names = st.sampled_from([*WANTED.certificates, "gone.fr", "gone.localhost"])
    found = {
        name: kept(
            name,
            draw(st.sampled_from([(name,), (name, f"*.{name}")])),
            draw(st.sampled_from([LOCAL_ISSUER, DIRECTORY])),
            timedelta(days=draw(st.integers(0, 400))),
        )
        for name in draw(st.sets(names))
    }
    placed = {
        name: draw(st.sampled_from([found[name].digest if name in found else "stray", "older"]))
        for name in draw(st.sets(names))
    }
    return msgspec.structs.replace(
        empty_world(),
        kept=found,
        placed=placed,
        served=draw(st.sampled_from([{}, WANTED.routes, {"gone.fr": "gone"}])),
        pages_written=draw(st.booleans()),
        configured=draw(st.booleans()),
        told=draw(st.sampled_from([None, SITES, Sites((), frozenset())])),
    )


@given(worlds(), st.data())
def test_every_interrupted_plan_resumes_and_reaches_its_goal(
    world: Snapshot, data: st.DataObject
) -> None:
    most = 4 * len(WANTED.certificates) + 10
    for _ in range(most):
        steps = planned_steps(world)
        if not steps:
            break
        for step in steps[: data.draw(st.integers(1, len(steps)))]:
            world = after(world, step)

    assert planned_steps(world) == []
    assert_reached(world)


@given(worlds(), st.data())
def test_steps_taken_in_any_order_reach_the_same_goal(world: Snapshot, data: st.DataObject) -> None:
    for _ in range(4 * len(WANTED.certificates) + 10):
        steps = planned_steps(world)
        if not steps:
            break
        world = after(world, data.draw(st.sampled_from(steps)))

    assert planned_steps(world) == []
    assert_reached(world)


@given(worlds())
def test_a_public_authority_that_never_answers_holds_nothing_else_back(world: Snapshot) -> None:
    for _ in range(6):
        for step in planned_steps(world):
            if not (isinstance(step, IssueCertificate) and step.issuer == DIRECTORY):
                world = after(world, step)

    left = planned_steps(world)
    assert all(isinstance(step, IssueCertificate) and step.issuer == DIRECTORY for step in left)
    assert all(world.placed[name] == world.kept[name].digest for name in WANTED.certificates)
    assert world.served == WANTED.routes


@given(worlds())
def test_no_plan_has_two_steps_for_one_subject(world: Snapshot) -> None:
    subjects = [step.subject for step in planned_steps(world)]

    assert len(subjects) == len(set(subjects))


def test_a_public_host_gets_a_local_certificate_before_its_public_one() -> None:
    first = [step for step in planned_steps(empty_world()) if isinstance(step, IssueCertificate)]
    assert {step.issuer for step in first} == {LOCAL_ISSUER}

    world = empty_world()
    for step in first:
        world = after(world, step)

    then = [step for step in planned_steps(world) if isinstance(step, IssueCertificate)]
    assert {(step.name, step.issuer) for step in then} == {
        ("www.lemans.fr", DIRECTORY),
        ("lemans.fr", DIRECTORY),
        ("autre.fr", DIRECTORY),
    }


def test_a_certificate_is_renewed_when_a_third_of_its_life_is_left() -> None:
    fresh = kept("a.fr", ("a.fr",), DIRECTORY, timedelta(days=59))
    ageing = kept("a.fr", ("a.fr",), DIRECTORY, timedelta(days=61))

    assert not renewal_due(fresh, NOW)
    assert renewal_due(ageing, NOW)


def test_a_long_certificate_is_renewed_thirty_days_before_its_end() -> None:
    fresh = kept("a", ("a",), LOCAL_ISSUER, timedelta(days=334))
    ageing = kept("a", ("a",), LOCAL_ISSUER, timedelta(days=336))

    assert not renewal_due(fresh, NOW)
    assert renewal_due(ageing, NOW)


def test_a_public_certificate_stays_when_the_public_authority_is_no_longer_wanted() -> None:
    public = kept(UNKNOWN, (f"{UNKNOWN}.invalid",), DIRECTORY, timedelta(0))
    world = msgspec.structs.replace(empty_world(), kept={UNKNOWN: public})

    issued = {step.name for step in planned_steps(world) if isinstance(step, IssueCertificate)}

    assert UNKNOWN not in issued


def test_a_certificate_that_nobody_wants_is_kept_until_it_expires() -> None:
    young = kept("gone.fr", ("gone.fr",), DIRECTORY, timedelta(days=10))
    dead = kept("dead.fr", ("dead.fr",), DIRECTORY, timedelta(days=91))
    world = msgspec.structs.replace(
        empty_world(), kept={"gone.fr": young, "dead.fr": dead}, placed={"stray.fr": "?"}
    )

    removed = [step for step in planned_steps(world) if isinstance(step, RemoveCertificate)]

    assert removed == [RemoveCertificate("dead.fr"), RemoveCertificate("stray.fr")]
