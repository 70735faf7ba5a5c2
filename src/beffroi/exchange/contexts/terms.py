"""What names stand for: the terms of a @context, both ways.

The core @context of the standard always prevails over others (clause 5.5.5), and a name that none
of them knows stands in the default vocabulary (clause 5.5.7).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Iri, Json

DEFAULT_VOCABULARY: Final = "https://uri.etsi.org/ngsi-ld/default-context/"
_GENERIC_DELIMITERS: Final = ":/?#[]@"
_KEYWORD_ALIASES: Final = frozenset({"id", "type"})
_CHAIN_MOST: Final = 32


class Term(msgspec.Struct, frozen=True):
    """What a name stands for.

    Attributes:
        coercion: How values are read: "@id", "@vocab", a type's IRI, or "" as they are.
        container: As "@list" or "@language"; "" for none.
    """

    iri: Iri
    coercion: str = ""
    container: str = ""


class Context:
    """Names and IRIs, as one @context maps them.

    Args:
        terms: By name.
        source: What an answer shows as its "@context".
        link: Its URL, for the Link header of answers; "" where it has none.
        vocabulary: In which names that are not terms stand.

    Attributes:
        attributes: IRIs of names that were found good for attributes.
        types: IRIs of names that were found good for types.
    """

    def __init__(
        self,
        terms: Mapping[str, Term],
        source: Json,
        link: str = "",
        vocabulary: str = DEFAULT_VOCABULARY,
    ) -> None:
        self.source = source
        self.link = link
        self.vocabulary = vocabulary
        self._terms = dict(terms)
        self._names: dict[Iri, str] = {}
        for name, term in self._terms.items():
            known = self._names.get(term.iri)
            if known is None or (len(name), name) < (len(known), known):
                self._names[term.iri] = name
        self._prefixes = sorted(
            (
                (term.iri, name)
                for name, term in self._terms.items()
                if term.iri[-1:] in _GENERIC_DELIMITERS and not term.coercion
            ),
            key=lambda pair: (-len(pair[0]), len(pair[1]), pair[1]),
        )
        self.attributes: dict[str, Iri] = {}
        self.types: dict[str, Iri] = {}
        self._expanded: dict[str, Iri] = {}
        self._compacted: dict[Iri, str] = {}

    def expand(self, name: str) -> Iri:
        """Return the IRI that a name stands for; an IRI stands for itself."""
        found = self._expanded.get(name)
        if found is None:
            found = self._expand(name)
            keep_name(self._expanded, name, found)
        return found

    def compact(self, iri: Iri) -> str:
        """Return the shortest name that stands for an IRI, or the IRI where there is none."""
        found = self._compacted.get(iri)
        if found is None:
            found = self._compact(iri)
            keep_name(self._compacted, iri, found)
        return found

    def coercion(self, iri: Iri) -> str:
        """Return how values of an attribute are read, as of ``Term``."""
        name = self._names.get(iri)
        return "" if name is None else self._terms[name].coercion

    def _expand(self, name: str) -> Iri:
        term = self._terms.get(name)
        if term is not None:
            return term.iri
        prefix, colon, rest = name.partition(":")
        if not colon:
            return self.vocabulary + name
        if rest.startswith("//"):
            return name
        known = self._terms.get(prefix)
        return name if known is None else known.iri + rest

    def _compact(self, iri: Iri) -> str:
        name = self._names.get(iri)
        if name is not None:
            return name
        if iri.startswith(self.vocabulary):
            rest = iri[len(self.vocabulary) :]
            if rest and ":" not in rest and rest not in self._terms:
                return rest
        for beginning, prefix in self._prefixes:
            rest = iri[len(beginning) :]
            if rest and iri.startswith(beginning) and not rest.startswith("//"):
                short = f"{prefix}:{rest}"
                if short not in self._terms:
                    return short
        return iri


def read_terms(definitions: Iterable[Mapping[str, Any]]) -> dict[str, Term]:
    """Read the terms of @contexts; what comes later prevails.

    Args:
        definitions: Objects of a @context, each from names to IRIs or definitions.

    Raises:
        BadRequestDataError: A definition is none, or stands for itself in a circle.
    """
    merged: dict[str, Any] = {}
    for one in definitions:
        merged.update(one)
    return {
        name: _term(merged, name)
        for name, value in merged.items()
        if not name.startswith("@") and name not in _KEYWORD_ALIASES and value is not None
    }


def _term(merged: Mapping[str, Any], name: str) -> Term:
    value = merged[name]
    if isinstance(value, str):
        return Term(_printable(name, _iri_of(merged, name, value)))
    if not isinstance(value, Mapping):
        raise BadRequestDataError("exchange.term_unreadable", term=name, found=repr(value)[:80])
    identifier = value.get("@id", name)
    coercion = value.get("@type", "")
    container = value.get("@container", "")
    if not isinstance(identifier, str) or not isinstance(coercion, str):
        raise BadRequestDataError("exchange.term_unreadable", term=name, found=repr(value)[:80])
    iri = _printable(name, _iri_of(merged, name, identifier))
    if coercion and not coercion.startswith("@"):
        coercion = _iri_of(merged, name, coercion)
    return Term(iri, coercion, container if isinstance(container, str) else "")


def _printable(name: str, iri: Iri) -> Iri:
    """Refuse characters that neither an IRI nor the database may have."""
    if not iri.isprintable():
        raise BadRequestDataError("exchange.term_unreadable", term=name, found=repr(iri)[:80])
    return iri


def _iri_of(merged: Mapping[str, Any], name: str, text: str) -> Iri:
    """Follow prefixes and terms to the IRI that they end in."""
    seen = [name]
    while True:
        prefix, colon, rest = text.partition(":")
        if colon and (rest.startswith("//") or prefix not in merged or prefix == seen[-1]):
            return text
        if not colon and (text not in merged or text == seen[-1]):
            return text if text.startswith("@") else DEFAULT_VOCABULARY + text
        if len(seen) > _CHAIN_MOST or (followed := prefix if colon else text) in seen:
            raise BadRequestDataError("exchange.term_circular", term=name, chain=" > ".join(seen))
        seen.append(followed)
        target = merged[followed]
        target = target.get("@id", "") if isinstance(target, Mapping) else target
        if not isinstance(target, str):
            raise BadRequestDataError(
                "exchange.term_unreadable", term=name, found=repr(target)[:80]
            )
        text = target + rest if colon else target


_KEPT_MOST: Final = 100_000


def keep_name(cache: dict[str, str], key: str, value: str) -> None:
    """Remember what a name stands for, within bounds: names come from requests."""
    if len(cache) >= _KEPT_MOST:
        cache.clear()
    cache[key] = value
