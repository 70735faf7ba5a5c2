"""What names may be: of attributes and types, of entities, of data sets, of scopes.

Source: ETSI GS CIM 009 v1.9.1, clauses 4.5.1, 4.5.5, 4.6.2, 4.18 and 5.5.4; RFC 3987.
"""

import re
import unicodedata
from functools import lru_cache

from beffroi.exchange.contexts.terms import Context, keep_name
from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Iri, Json
from beffroi.exchange.representation.excerpts import excerpt

CORE = "https://uri.etsi.org/ngsi-ld/"
NULL = "urn:ngsi-ld:null"
DEFAULT_DATASET = "@none"
PROOF = CORE + "ngsildproof"

ID_BYTES = 2_000
"""What an id may take: the key of a row of PostgreSQL has to hold it (2,704 bytes)."""

_NAME_LENGTH = 1_000
_SHORT_NAME = re.compile(r"[^\W\d_]\w*")
_SCOPE = re.compile(r"/?[^\W\d_]\w*(?:/[^\W\d_]\w*)*")
_ASCII_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[A-Za-z0-9!#$%&'()*+,\-./:;=?@\[\]_~]+")
_UNWRITABLE = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0").union(
    map(chr, range(0x180B, 0x1810)),
    map(chr, range(0xFE00, 0xFE10)),
    map(chr, range(0xE0100, 0xE01F0)),
)

RESERVED = frozenset(
    {
        *("id", "type", "scope", "createdAt", "modifiedAt", "deletedAt", "expiresAt"),
        *("value", "object", "languageMap", "vocab", "json", "valueList", "objectList"),
        *("datasetId", "instanceId", "observedAt", "unitCode", "valueType", "objectType", "lang"),
        *("previousValue", "previousObject", "previousLanguageMap", "previousVocab"),
        *("previousJson", "previousValueList", "previousObjectList", "entity", "entityList"),
        *("entityIdSealed", "entityTypeSealed"),
    }
)
"""Members of entities and attributes that cannot be names of attributes."""


_ORDINARY = frozenset({"vocab", "json"})
"""Reserved inside attributes alone: entities may well have attributes of these names."""


def attribute_iri(name: str, context: Context) -> Iri:
    """Give the full name of an attribute.

    Raises:
        BadRequestDataError: The standard reserves the name, or no attribute can be called so.
    """
    known = context.attributes.get(name)
    if known is not None:
        return known
    if (name in RESERVED and name not in _ORDINARY) or name[:1] == "@":
        raise BadRequestDataError("exchange.name_reserved", name=excerpt(name))
    iri = context.expand(checked_name(name))
    keep_name(context.attributes, name, iri)
    return iri


def type_iris(given: Json, context: Context) -> tuple[Iri, ...]:
    """Give the full names of the types of an entity, each once, in the order given."""
    if type(given) is str and (known := context.types.get(given)) is not None:
        return (known,)
    names = given if isinstance(given, list) else [given]
    if not names:
        raise BadRequestDataError("exchange.type_missing")
    for name in names:
        if not isinstance(name, str) or name in RESERVED or name[:1] == "@":
            raise BadRequestDataError("exchange.not_a_type", found=excerpt(name))
    iris = tuple(dict.fromkeys(context.expand(checked_name(name)) for name in names))
    if len(names) == 1:
        keep_name(context.types, names[0], iris[0])
    return iris


def checked_name(name: str) -> str:
    """Return the name of an attribute or a type if it can be one."""
    if len(name) > _NAME_LENGTH or not _can_be_name(name):
        raise BadRequestDataError("exchange.not_a_name", name=excerpt(name))
    return name


def checked_id(given: Json) -> str:
    """Return the id of an entity if it can be one."""
    if is_uri(given) and given != NULL and len(given.encode()) <= ID_BYTES:
        return str(given)
    raise BadRequestDataError("exchange.not_an_id", found=excerpt(given), bytes=ID_BYTES)


def checked_uri(given: Json, name: str) -> str:
    """Return what an attribute refers to, if it is a URI."""
    if is_uri(given) and given != NULL:
        return str(given)
    raise BadRequestDataError("exchange.not_a_uri", name=name, found=excerpt(given))


def checked_dataset(given: Json, name: str) -> str:
    """Return which instance a datasetId names; "" is the default one."""
    return "" if given == DEFAULT_DATASET else checked_uri(given, f"{name}.datasetId")


def checked_scopes(given: Json) -> tuple[str, ...]:
    """Return scopes, each once, written with a slash in front."""
    scopes = given if isinstance(given, list) else [given]
    if not scopes:
        raise BadRequestDataError("exchange.not_a_scope", found="[]")
    for scope in scopes:
        if not isinstance(scope, str) or not _SCOPE.fullmatch(scope):
            raise BadRequestDataError("exchange.not_a_scope", found=excerpt(scope))
    return tuple(dict.fromkeys(scope if scope[0] == "/" else "/" + scope for scope in scopes))


def is_uri(given: Json) -> bool:
    """Tell whether it is a URI, or an IRI of letters that people can see."""
    if not isinstance(given, str):
        return False
    if given.isascii():
        return _ASCII_URI.fullmatch(given) is not None
    seen = "".join("_" if ord(one) > 127 and _visible(one) else one for one in given)
    return _ASCII_URI.fullmatch(seen) is not None


def _visible(letter: str) -> bool:
    return unicodedata.category(letter) not in _UNWRITABLE and letter not in _INVISIBLE


@lru_cache(maxsize=8_192)
def _can_be_name(name: str) -> bool:
    return _SHORT_NAME.fullmatch(name) is not None or is_uri(name)
