"""Facts about things, written as JSON-LD and as Turtle.

Source: W3C, JSON-LD 1.1 and RDF 1.1 Turtle.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from beffroi.exchange.model import Json

_TYPE: Final = "rdf:type"
_UNWRITABLE: Final = frozenset('<>"{}|^`\\')


class Ref(msgspec.Struct, frozen=True):
    """Something else, by its IRI."""

    iri: str


class Text(msgspec.Struct, frozen=True):
    """A text in a language, or in none."""

    text: str
    language: str = ""


class Typed(msgspec.Struct, frozen=True):
    """A value with its data type, under a prefix."""

    text: str
    kind: str


Term = Ref | Text | Typed


class Thing(msgspec.Struct, frozen=True):
    """What is told about something.

    Attributes:
        kind: Under a prefix.
        facts: What is told, under a prefix, in order.
    """

    iri: str
    kind: str
    facts: Sequence[tuple[str, Term]]


def as_jsonld(things: Iterable[Thing], prefixes: Mapping[str, str]) -> Json:
    """Write facts as JSON-LD."""
    graph = []
    for thing in things:
        node: dict[str, Json] = {"@id": thing.iri, "@type": thing.kind}
        for name, term in thing.facts:
            told = _jsonld_term(term)
            there = node.get(name)
            if there is None:
                node[name] = told
            else:
                node[name] = [*(there if isinstance(there, list) else [there]), told]
        graph.append(node)
    return {"@context": dict(prefixes), "@graph": graph}


def as_turtle(things: Iterable[Thing], prefixes: Mapping[str, str]) -> str:
    """Write facts as Turtle."""
    lines = [f"@prefix {name}: <{iri}> ." for name, iri in prefixes.items()]
    for thing in things:
        facts = [f"a {thing.kind}", *(f"{name} {_turtle_term(term)}" for name, term in thing.facts)]
        told = " ;\n    ".join(facts)
        lines.append(f"\n{_iri(thing.iri)} {told} .")
    return "\n".join(lines) + "\n"


def _jsonld_term(term: Term) -> Json:
    match term:
        case Ref(iri):
            return {"@id": iri}
        case Text(text, ""):
            return text
        case Text(text, language):
            return {"@value": text, "@language": language}
        case Typed(text, kind):
            return {"@value": text, "@type": kind}


def _turtle_term(term: Term) -> str:
    match term:
        case Ref(iri):
            return _iri(iri)
        case Text(text, language):
            return _quoted(text) + (f"@{language}" if language else "")
        case Typed(text, kind):
            return f"{_quoted(text)}^^{kind}"


def _iri(iri: str) -> str:
    written = (f"%{ord(sign):02X}" if sign in _UNWRITABLE or sign <= " " else sign for sign in iri)
    return f"<{''.join(written)}>"


def _quoted(text: str) -> str:
    return msgspec.json.encode(text).decode()
