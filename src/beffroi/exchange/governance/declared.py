"""The nouns of the register and of policies, as an organisation declares them."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from beffroi.territory.formats import Slug

Sentence = Annotated[str, Meta(max_length=2_000)]
Entries = tuple[Annotated[str, Meta(min_length=1, max_length=300)], ...]
TypeNames = Annotated[
    tuple[Annotated[str, Meta(min_length=1, max_length=1_000)], ...], Meta(min_length=1)
]
EVERYBODY = "public"
"""Whom a policy is for where nobody needs an account."""


class LegalBasis(StrEnum):
    """Why personal data may be processed.

    Source: regulation (EU) 2016/679 (GDPR), article 6, paragraph 1, points a to f.
    """

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal-obligation"
    VITAL_INTERESTS = "vital-interests"
    PUBLIC_TASK = "public-task"
    LEGITIMATE_INTERESTS = "legitimate-interests"


class Showing(StrEnum):
    """How entities are shown to those whom a policy is for."""

    PLAIN = "plain"
    PSEUDONYMS = "pseudonyms"
    COUNTS = "counts"


class Frequency(StrEnum):
    """How often a data set changes: codes of the Publications Office of the EU."""

    CONTINUOUS = "UPDATE_CONT"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    ANNUAL = "ANNUAL"
    IRREGULAR = "IRREG"
    UNKNOWN = "UNKNOWN"


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every noun of the file has in common."""


class Treatment(_Declared, frozen=True, kw_only=True, omit_defaults=True):
    """Why entities of some types are kept, and on what terms: an entry of the register."""

    name: Annotated[Slug, Meta(description="Key of the treatment.")]
    title: Annotated[str, Meta(max_length=200, description="As the register calls it.")] = ""
    types: Annotated[TypeNames, Meta(description="Types of entities: short names, or IRIs.")]
    owner: Annotated[str, Meta(max_length=200, description="Service that answers for it.")] = ""
    contact: Annotated[
        str, Meta(max_length=200, description="Where the data protection officer is reached.")
    ] = ""
    purpose: Annotated[Sentence, Meta(description="What it is for.")] = ""
    legal_basis: Annotated[
        LegalBasis | None, Meta(description="Of GDPR article 6; personal data need one.")
    ] = None
    persons: Annotated[Entries, Meta(description="Categories of persons it is about.")] = ()
    categories: Annotated[Entries, Meta(description="Categories of data.")] = ()
    recipients: Annotated[Entries, Meta(description="Who receives it.")] = ()
    transfers: Annotated[Sentence, Meta(description="Outside the EU, with their safeguards.")] = ""
    retention_days: Annotated[
        Annotated[int, Meta(ge=1, le=36_525)] | None,
        Meta(description="How long history is kept, in days."),
    ] = None
    security: Annotated[Entries, Meta(description="Measures of security.")] = ()
    personal: Annotated[bool, Meta(description="It holds personal data: reads are journalled.")] = (
        False
    )
    personal_attributes: Annotated[
        Entries, Meta(description="Which attributes are personal; none: all of them.")
    ] = ()


class Policy(_Declared, frozen=True, kw_only=True, omit_defaults=True):
    """What an organisation gives to another, or to everybody, of its entities."""

    name: Annotated[Slug, Meta(description="Key of the policy.")]
    to: Annotated[
        tuple[Slug, ...],
        Meta(min_length=1, description="Organisations, or public for everybody."),
    ]
    types: Annotated[TypeNames, Meta(description="Types of entities: short names, or IRIs.")]
    attributes: Annotated[Entries, Meta(description="Attributes shown; left out: all.")] = ()
    tenant: Annotated[str, Meta(max_length=128, description="Tenant of the entities.")] = ""
    area: Annotated[
        dict[str, Any] | None,
        Meta(description="GeoJSON Polygon or MultiPolygon that entities lie in."),
    ] = None
    outline_of: Annotated[
        str, Meta(max_length=2_000, description="Id of an entity whose outline is the area.")
    ] = ""
    purposes: Annotated[
        Entries, Meta(description="What askers must say it is for; left out: anything.")
    ] = ()
    until: Annotated[date | None, Meta(description="Last day of the policy.")] = None
    showing: Annotated[
        Showing, Meta(description="As they are, under pseudonyms, or as counts alone.")
    ] = msgspec.field(default=Showing.PLAIN, name="as")
    pseudonymised: Annotated[
        Entries, Meta(description="Attributes that pseudonyms stand for, with as: pseudonyms.")
    ] = ()
    least: Annotated[
        int, Meta(ge=2, le=1_000_000, description="Smallest group told, with as: counts.")
    ] = 11
    title: Annotated[str, Meta(max_length=200, description="Of the data set, if public.")] = ""
    description: Annotated[Sentence, Meta(description="Of the data set, if public.")] = ""
    publisher: Annotated[str, Meta(max_length=200, description="Of the data set.")] = ""
    contact: Annotated[str, Meta(max_length=200, description="Mail address about it.")] = ""
    licence: Annotated[str, Meta(max_length=300, description="IRI of its licence.")] = (
        "https://www.etalab.gouv.fr/licence-ouverte-open-licence"
    )
    frequency: Annotated[Frequency, Meta(description="How often it changes.")] = (
        Frequency.CONTINUOUS
    )
    themes: Annotated[Entries, Meta(description="Codes of the EU's data themes: TRAN, ENVI.")] = ()
    keywords: Annotated[Entries, Meta(description="Words that it is found by.")] = ()

    @property
    def is_public(self) -> bool:
        """Tell whether it is for those without an account too."""
        return EVERYBODY in self.to
