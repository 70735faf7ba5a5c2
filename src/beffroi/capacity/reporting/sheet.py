"""What the template of a report is given: texts, written in one language."""

from collections.abc import Mapping

import msgspec

from beffroi.kernel.catalogue import Language, sentence


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the report: a sentence, a table, notes, each of them or none.

    Attributes:
        right: Numbers of the columns whose cells stand on the right.
        wide: Number of the column that takes what room is left.
        summed: The last row is the sum of the others.
    """

    heading: str
    told: str = ""
    heads: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    wide: int = 0
    rows: tuple[tuple[str, ...], ...] = ()
    summed: bool = False
    notes: tuple[str, ...] = ()


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """The racks of one site; sizes are those of the drawing."""

    caption: str
    alt: str
    svg: str
    width: float
    height: float


class ReportSheet(msgspec.Struct, frozen=True, kw_only=True):
    """A report as it is typeset.

    Attributes:
        decision: The first page: what there is, what is proposed, what it changes.
        points: What is to be decided and what is known of it, one sentence each.
        large: The drawings of racks may not fit on one page.
    """

    language: Language
    title: str
    subtitle: str
    headline: str
    lead: str
    decision: Section
    points: tuple[str, ...]
    before: tuple[Drawing, ...]
    after: tuple[Drawing, ...]
    large: bool
    sections: tuple[Section, ...]
    words: Mapping[str, str]


def word(language: Language, key: str, **values: object) -> str:
    """Return a text of the report's catalogue."""
    return sentence(language, f"capacity.report.{key}", **values)


def heads(language: Language, *keys: str) -> tuple[str, ...]:
    """Return the heads of a table's columns."""
    return tuple(word(language, f"heads.{key}") for key in keys)


def reason_told(code: str, values: Mapping[str, str | int | float], language: Language) -> str:
    """Write a reason of the planner or of the checker."""
    return sentence(language, f"capacity.reasons.{code}", **values)
