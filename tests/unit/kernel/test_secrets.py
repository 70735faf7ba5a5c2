"""Values that must not be printed, and their encryption at rest."""

import logging
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.errors import FailedError
from beffroi.kernel.secrets import SealingKey, Secret, generated_secret

KEY = SealingKey(bytes(range(32)))


class Holder(msgspec.Struct):
    password: Secret


@given(st.text(alphabet=st.characters(exclude_characters="*"), min_size=1))
def test_a_secret_prints_as_stars(value: str) -> None:
    secret = Secret(value)
    told = (str(secret), repr(secret), f"{secret}", f"{secret!r:>10}".strip(), "%s" % secret)  # noqa: UP031
    assert set(told) == {"***"}
    assert secret.reveal() == value


def test_a_secret_does_not_show_through_what_holds_it(caplog: pytest.LogCaptureFixture) -> None:
    holder = Holder(Secret("hunter2"))
    logging.getLogger("test").warning("holder=%s", holder)
    assert "hunter2" not in repr(holder) + repr([holder]) + caplog.text


def test_a_secret_cannot_be_written_as_json() -> None:
    with pytest.raises(TypeError):
        msgspec.json.encode(Holder(Secret("hunter2")))


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_generated_secrets_are_long_and_distinct() -> None:
    drawn = {generated_secret().reveal() for _ in range(100)}
    assert len(drawn) == 100
    assert min(map(len, drawn)) >= 43


@given(st.text(), st.text(min_size=1))
def test_what_was_sealed_opens_for_its_purpose(value: str, purpose: str) -> None:
    assert KEY.opened(KEY.sealed(Secret(value), purpose), purpose).reveal() == value


def test_a_sealed_secret_does_not_open_for_another_purpose() -> None:
    sealed = KEY.sealed(Secret("hunter2"), "database of bus")
    with pytest.raises(FailedError) as caught:
        KEY.opened(sealed, "database of wiki")
    assert "database of wiki" in caught.value.message()


@given(st.binary(max_size=80))
def test_bytes_that_nobody_sealed_are_refused(body: bytes) -> None:
    with pytest.raises(FailedError):
        KEY.opened(body, "anything")


def test_sealing_twice_gives_distinct_texts() -> None:
    assert KEY.sealed(Secret("a"), "p") != KEY.sealed(Secret("a"), "p")


def test_the_key_of_a_folder_is_drawn_once_and_for_its_owner_only(tmp_path: Path) -> None:
    sealed = SealingKey.of_folder(tmp_path).sealed(Secret("hunter2"), "p")
    assert SealingKey.of_folder(tmp_path).opened(sealed, "p") == Secret("hunter2")
    path = tmp_path / "sealing.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["sealing.key"]


def test_another_folders_key_does_not_open(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    sealed = SealingKey.of_folder(tmp_path / "a").sealed(Secret("hunter2"), "p")
    with pytest.raises(FailedError):
        SealingKey.of_folder(tmp_path / "b").opened(sealed, "p")


@given(st.text(max_size=40), st.text(max_size=40))
def test_each_purpose_has_a_derived_secret_of_its_own_that_stays(one: str, other: str) -> None:
    assert KEY.derived(one) == SealingKey(bytes(range(32))).derived(one)
    assert (KEY.derived(one) == KEY.derived(other)) == (one == other)
    assert KEY.derived(one) != SealingKey(bytes(32)).derived(one)


def test_a_derived_secret_fits_a_header_and_does_not_print() -> None:
    derived = KEY.derived("purge bus")
    assert len(bytes.fromhex(derived.reveal())) == 32
    assert repr(derived) == "***"
