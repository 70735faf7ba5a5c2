"""Sentences by key and language."""

import pytest

from beffroi.kernel.catalogue import Language, entries, sentence


def test_a_sentence_has_its_values_filled_in() -> None:
    told = sentence(Language.EN, "kernel.errors.account_unknown.message", account="dupont")
    assert told == "There is no account «dupont»."


def test_french_comes_first() -> None:
    assert next(iter(Language)) is Language.FR
    told = sentence(Language.FR, "kernel.errors.account_unknown.message", account="dupont")
    assert told == "Il n'y a pas de compte «dupont»."


def test_values_with_braces_stay_as_they_are() -> None:
    told = sentence(Language.EN, "kernel.errors.account_unknown.message", account="{nobody}")
    assert "«{nobody}»" in told


def test_a_value_may_bear_any_name() -> None:
    told = sentence(Language.EN, "kernel.errors.page_unknown.message", key="k", language="fr")
    assert told


def test_nested_tables_become_dotted_keys() -> None:
    assert entries("kernel", Language.FR)["roles.operator"] == "exploitant"


def test_an_unknown_key_is_a_defect() -> None:
    with pytest.raises(KeyError):
        sentence(Language.FR, "kernel.errors.no_such_thing.message")
