"""The words that people call entities by, kept where a name came, changed or went."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from beffroi.exchange.model import Iri, Json
from beffroi.exchange.store import Attributes
from beffroi.kernel.database import Connection, execute
from beffroi.kernel.database.columns import Integers, Texts

_IN_ORDER: Final[tuple[Iri, ...]] = (
    "https://uri.etsi.org/ngsi-ld/default-context/name",
    "https://smartdatamodels.org/name",
    "https://schema.org/name",
    "http://schema.org/name",
    "https://uri.etsi.org/ngsi-ld/name",
    "https://uri.fiware.org/ns/data-models#name",
)
NAMES: Final = frozenset(_IN_ORDER)
"""Which attributes are names; the first that an entity has counts, as for ``exchange.name_of``."""
_WORDS: Final = re.compile("[a-z0-9]+")
_WORD_LONGEST: Final = 40
_GIVEN: Final = """
(select (select %s::text[]) as tenants, (select %s::text[]) as owners,
    (select %s::bigint[]) as numbers, (select %s::text[]) as names) as all_given
cross join lateral unnest(tenants, owners, numbers, names)
    as given(tenant, organisation, number, name)
cross join lateral exchange.words_in(given.name) as w(word)
"""
_ADD: Final = (
    "insert into exchange.name_word (tenant, organisation, word, number) "  # noqa: S608
    f"select given.tenant, given.organisation, w.word, given.number from {_GIVEN}"
)
# To look for conflicts costs more than all the rest: what is new, and says no word twice, has none.
_ADD_MISSING: Final = _ADD + " on conflict do nothing"
_TAKE_AWAY: Final = (
    f"delete from exchange.name_word n using {_GIVEN} "  # noqa: S608
    "where n.tenant = given.tenant and n.organisation = given.organisation "
    "and n.word = w.word and n.number = given.number"
)


class Called(NamedTuple):
    """That an entity is called so, in all languages.

    Attributes:
        is_new: It was not there before.
    """

    tenant: str
    organisation: str
    number: int
    name: str
    is_new: bool = False


def name_told(attributes: Attributes) -> str:
    """Return all that the name of an entity says; "" where it has none."""
    if NAMES.isdisjoint(attributes):
        return ""
    instances = next(attributes[one] for one in _IN_ORDER if one in attributes)
    if len(instances) == 1 and isinstance(instances[0].value, str):
        return instances[0].value
    return " ".join(sorted({text for one in instances for text in _texts(one.value)}))


async def keep_words(connection: Connection, came: Sequence[Called]) -> None:
    """Have entities found by the words of their names."""
    plain = [one for one in came if one.is_new and _says_nothing_twice(one.name)]
    others = [one for one in came if not (one.is_new and _says_nothing_twice(one.name))]
    for statement, called in ((_ADD, plain), (_ADD_MISSING, others)):
        if called:
            await execute(connection, statement, _columns(called))


async def forget_words(connection: Connection, went: Sequence[Called]) -> None:
    """Have entities no longer found by names that they had."""
    if went:
        await execute(connection, _TAKE_AWAY, _columns(went))


@lru_cache(maxsize=1_000)
def _says_nothing_twice(name: str) -> bool:
    """Tell whether all words of a name surely differ, as ``exchange.words_in`` makes them."""
    if not (name.isascii() and name.isprintable()):
        return False
    words = [one[:_WORD_LONGEST] for one in _WORDS.findall(name.lower())]
    return len(set(words)) == len(words)


def _columns(called: Sequence[Called]) -> tuple[Texts | Integers, ...]:
    tenants, owners, numbers, names, _ = zip(*called, strict=True)
    return (Texts(tenants), Texts(owners), Integers(numbers), Texts(names))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
