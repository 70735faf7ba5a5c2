"""Where a sign-in may lead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.app.console.own_paths import own_path, sign_in_path


@pytest.mark.parametrize("path", ["/", "/operations?before=01m8&subject=wiki", "/a/b-c#d"])
def test_own_paths_stay(path: str) -> None:
    assert own_path(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "a", "//evil", "/\\evil", "\\/evil", "https://evil", "/a\r\nX: y", "/a b", "/é", "/a\\b"],
)
def test_what_leads_elsewhere_leads_home(path: str) -> None:
    assert own_path(path) == "/"
    assert sign_in_path(path) == "/sign-in"


@given(st.text())
def test_a_kept_path_is_always_below_our_own_root(path: str) -> None:
    kept = own_path(path)
    assert kept.startswith("/")
    assert not kept.startswith(("//", "/\\"))
    assert kept.isascii()
    assert kept.isprintable()


def test_the_query_survives_the_sign_in() -> None:
    assert sign_in_path("/operations?a=1&b=2") == "/sign-in?next=/operations%3Fa%3D1%26b%3D2"
