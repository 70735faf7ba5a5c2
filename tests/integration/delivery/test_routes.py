"""The links that lead from host names to what serves them."""

from pathlib import Path

import pytest

from beffroi.delivery.routes import RouteTable
from beffroi.kernel.places import Places


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data", tmp_path / "run")


@pytest.fixture
def routes(places: Places) -> RouteTable:
    return RouteTable(places)


def test_exactly_the_published_hosts_are_served(routes: RouteTable, places: Places) -> None:
    routes.publish({"a.fr": "a", "b.fr": "b", "www.a.fr": "a"})
    routes.publish({"a.fr": "a", "c.fr": "b"})

    assert routes.served() == {"a.fr": "a", "c.fr": "b"}
    assert {path.name for path in places.routes.iterdir()} == {"a.fr", "c.fr"}


def test_a_host_may_move_to_another_application(routes: RouteTable) -> None:
    routes.publish({"a.fr": "a"})
    routes.publish({"a.fr": "b"})

    assert routes.served() == {"a.fr": "b"}


def test_publishing_leaves_what_applications_point_to(
    routes: RouteTable, places: Places, tmp_path: Path
) -> None:
    routes.point("a", tmp_path / "release")
    routes.publish({"a.fr": "a", "b.fr": "b"})

    assert (places.targets / "a").readlink() == tmp_path / "release"
    assert (places.routes / "b.fr" / "stopped").is_dir()


def test_a_resting_application_is_told_from_a_stopped_one(
    routes: RouteTable, places: Places, tmp_path: Path
) -> None:
    routes.publish({"a.fr": "a"})
    routes.point("a", tmp_path / "release")
    routes.rest("a")
    assert (places.routes / "a.fr" / "asleep").is_dir()
    assert not (places.routes / "a.fr" / "stopped").exists()

    routes.stop("a")
    assert (places.routes / "a.fr" / "stopped").is_dir()
    assert not (places.routes / "a.fr" / "asleep").exists()


def test_a_forgotten_applications_host_is_no_longer_whole(
    routes: RouteTable, places: Places
) -> None:
    routes.publish({"a.fr": "a"})
    routes.forget("a")
    routes.forget("a")

    assert routes.served() == {}

    routes.publish({"a.fr": "a"})
    assert routes.served() == {"a.fr": "a"}
    assert (places.routes / "a.fr" / "stopped").is_dir()


def test_what_a_crash_left_behind_is_cleared(routes: RouteTable, places: Places) -> None:
    routes.publish({"a.fr": "a"})
    (places.routes / ".new").symlink_to(places.targets / "a")
    (places.routes / "file").write_text("stray")

    assert routes.served() != {"a.fr": "a"}
    routes.publish({"a.fr": "a"})
    assert routes.served() == {"a.fr": "a"}
    assert {path.name for path in places.routes.iterdir()} == {"a.fr"}


def test_nothing_is_served_before_the_first_publication(routes: RouteTable) -> None:
    assert routes.served() == {}
