"""Check digits of the numbers that invoices carry: SIRET, IBAN, French VAT number; pure."""

import re
from typing import Final

# Its branches have the sum of their digits a multiple of 5 in the place of Luhn's check (INSEE).
_LA_POSTE: Final = "356000000"
_SIRET: Final = re.compile(r"[0-9]{14}")
_FRENCH_IBAN_LENGTH: Final = 27


def siret_is_valid(siret: str) -> bool:
    """Check 14 digits by Luhn's sum, those of La Poste by theirs."""
    if not _SIRET.fullmatch(siret):
        return False
    if siret.startswith(_LA_POSTE) and sum(map(int, siret)) % 5 == 0:
        return True
    doubled = (int(digit) * (2 - place % 2) for place, digit in enumerate(siret))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def iban_is_valid(iban: str) -> bool:
    """Check an account number by its remainder (ISO 13616); spaces count for nothing."""
    plain = iban.replace(" ", "")
    if plain.startswith("FR") and len(plain) != _FRENCH_IBAN_LENGTH:
        return False
    digits = "".join(str(int(character, 36)) for character in plain[4:] + plain[:4])
    return int(digits) % 97 == 1


def vat_number_is_valid(number: str, siret: str) -> bool:
    """Check a French VAT number: its key, and that it holds the SIREN; others are not checked.

    Source: bofip.impots.gouv.fr BOI-TVA-DECLA-20-10-20; keys of letters hold the SIREN too.
    """
    if not number.startswith("FR"):
        return True
    key, siren = number[2:4], number[4:]
    if siren != siret[:9]:
        return False
    return not key.isdecimal() or int(key) == (12 + 3 * (int(siren) % 97)) % 97
