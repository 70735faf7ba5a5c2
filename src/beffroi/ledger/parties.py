"""How a party of a statement, an invoice or a quote is written down: its numbers, its address."""

from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.territory.formats import Title

Siret = Annotated[str, Meta(pattern=r"^[0-9]{14}$(?!\n)")]
VatNumber = Annotated[str, Meta(pattern=r"^[A-Z]{2}[0-9A-Z]{2,13}$(?!\n)")]
AddressLine = Annotated[str, Meta(min_length=1, max_length=120)]
Postcode = Annotated[str, Meta(pattern=r"^[0-9A-Z][0-9A-Z -]{1,9}$(?!\n)")]


class NamedParty(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """What every party has; only who issues must give its address."""

    title: Annotated[Title, Meta(description="Name that people read.")]
    siret: Annotated[Siret, Meta(description="SIRET, 14 digits, in quotes.")]
    address: Annotated[
        tuple[AddressLine, ...], Meta(description="Lines of its address, town left out.")
    ] = ()
    postcode: Annotated[Postcode, Meta(description="Postcode, in quotes.")] = ""
    town: Annotated[AddressLine, Meta(description="Town.")] = ""
    vat_number: Annotated[VatNumber, Meta(description="Its VAT number.")] = ""


class CountedParty(NamedParty, frozen=True, kw_only=True):
    """A party that keys by inhabitants or posts count."""

    inhabitants: Annotated[
        int, Meta(ge=0, le=20_000_000, description="Legal population (INSEE).")
    ] = 0
    posts: Annotated[int, Meta(ge=0, le=1_000_000, description="Work places.")] = 0
