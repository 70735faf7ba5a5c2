"""What the templates of statements and invoices are given: texts, written in one language."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.telling import told_euros
from beffroi.ledger.documents.explaining import late_fees
from beffroi.ledger.documents.figures import day_in_words, issue_moment, told_percent
from beffroi.ledger.documents.vat import VatRate
from beffroi.ledger.model import Body, Issuer, Statement, StatementState


class Party(msgspec.Struct, frozen=True):
    """Who issues or receives, as a letter shows it."""

    title: str
    lines: tuple[str, ...]


class LineRow(msgspec.Struct, frozen=True):
    """One line of a table, its explanation below its title."""

    number: str
    title: str
    explained: str
    quantity: str
    unit: str
    price: str
    amount: str
    vat: str = ""


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What every page knows: its language, its title, whose it is, what stands at its foot.

    Attributes:
        body: Whom it is for; nobody where it is for all who share.
        draft: Shows ``words.draft`` above everything.
    """

    language: Language
    title: str
    issuer: Party
    footer: str
    body: Party | None = None
    draft: bool = False


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What statements and invoices share.

    Attributes:
        facts: Names and values above the lines.
        words: Texts of the template, by name.
        headers: Heads of its tables.
    """

    head: Head
    facts: tuple[tuple[str, str], ...]
    words: Mapping[str, str]
    headers: Mapping[str, tuple[str, ...]]
    lines: tuple[LineRow, ...]
    totals: tuple[tuple[str, str], ...]
    terms: tuple[str, ...]


def word(language: Language, key: str, **values: object) -> str:
    """Return a text of the documents' catalogue."""
    return sentence(language, f"ledger.documents.{key}", **values)


def words_of(language: Language, keys: Iterable[str]) -> dict[str, str]:
    """Return several texts by name."""
    return {key: word(language, key) for key in keys}


def heads_of(language: Language, keys: Iterable[str]) -> tuple[str, ...]:
    """Return the heads of a table's columns."""
    return tuple(word(language, f"heads.{key}") for key in keys)


def head_of(statement: Statement, issuer: Issuer, title: str, language: Language) -> Head:
    """Write the head of a statement, or of its invoice."""
    number = statement.number or word(language, "no_number")
    return Head(
        language=language,
        title=title,
        issuer=party_of(issuer, language),
        footer=footer_of(issuer, number, language),
        body=party_of(statement.body, language),
        draft=statement.state is StatementState.DRAFT,
    )


def party_of(party: Issuer | Body, language: Language) -> Party:
    """Write who issues or receives, with its address and numbers."""
    numbers = {"siret": party.siret, "vat_number": party.vat_number}
    lines = (
        *party.address,
        f"{party.postcode} {party.town}".strip(),
        *(f"{word(language, key)} {value}" for key, value in numbers.items() if value),
    )
    return Party(party.title, lines)


def footer_of(issuer: Issuer, reference: str, language: Language) -> str:
    """Say at the foot of each page whose document it is."""
    return f"{issuer.title} · {word(language, 'siret')} {issuer.siret} · {reference}"


def totals_of(
    net_eur: Decimal, vat: Iterable[VatRate], due_eur: Decimal, language: Language
) -> tuple[tuple[str, str], ...]:
    """Write the sums; without VAT there is but one."""
    taxes = tuple(
        (
            word(language, "vat_at", percent=told_percent(one.percent, language)),
            told_euros(one.tax_eur, language),
        )
        for one in vat
    )
    if not taxes:
        return ((word(language, "total"), told_euros(due_eur, language)),)
    return (
        (word(language, "net"), told_euros(net_eur, language)),
        *taxes,
        (word(language, "due"), told_euros(due_eur, language)),
    )


def buyer_facts(body: Body, language: Language) -> tuple[tuple[str, str], ...]:
    """Write what Chorus Pro asks for, where the body has it."""
    values = {"service_code": body.service_code, "commitment": body.commitment}
    return tuple((word(language, key), value) for key, value in values.items() if value)


def issue_facts(statement: Statement, language: Language) -> tuple[tuple[str, str], ...]:
    """Write the number and the day of issue; a draft has neither."""
    if statement.state is StatementState.DRAFT:
        return ((word(language, "number"), word(language, "no_number")),)
    issued = day_in_words(issue_moment(statement).date(), language)
    return ((word(language, "number"), statement.number), (word(language, "issued"), issued))


def payment_terms(issuer: Issuer, body: Body, language: Language) -> tuple[str, ...]:
    """Say when and where to pay and what late payment costs (code de commerce L441-10)."""
    account = (word(language, "account", iban=issuer.iban, bic=issuer.bic),) if issuer.iban else ()
    return (
        word(language, "payment_terms", days=issuer.payment_days),
        *account,
        late_fees(body, language),
        word(language, "recovery_fee"),
        word(language, "no_discount"),
    )
