"""Check digits of SIRET, IBAN and VAT numbers."""

import pytest

from beffroi.ledger.identifiers import iban_is_valid, siret_is_valid, vat_number_is_valid


@pytest.mark.parametrize("siret", ["20004321400010", "35600000000048", "35600000009075"])
def test_sirets_with_their_check_digit_hold_those_of_la_poste_too(siret: str) -> None:
    assert siret_is_valid(siret)


@pytest.mark.parametrize("place", range(14))
def test_one_wrong_digit_of_a_siret_is_found(place: int) -> None:
    right = "20004321400010"
    wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
    assert not siret_is_valid(wrong)


@pytest.mark.parametrize(
    "iban", ["FR76 3000 1007 9412 3456 7890 185", "FR7630001007941234567890185", "BE71096123456769"]
)
def test_accounts_with_their_check_digits_hold(iban: str) -> None:
    assert iban_is_valid(iban)


@pytest.mark.parametrize("iban", ["FR76300010079412345678901", "FR7630001007941234567890158"])
def test_accounts_of_a_wrong_length_or_order_are_found(iban: str) -> None:
    assert not iban_is_valid(iban)


def test_a_vat_number_holds_key_and_siren() -> None:
    assert vat_number_is_valid("FR01279344444", "27934444400013")
    assert not vat_number_is_valid("FR02279344444", "27934444400013")
    assert not vat_number_is_valid("FR01279344445", "27934444400013")


def test_a_key_of_letters_and_foreign_numbers_are_taken_as_they_are() -> None:
    assert vat_number_is_valid("FRAB279344444", "27934444400013")
    assert vat_number_is_valid("DE123456789", "27934444400013")
