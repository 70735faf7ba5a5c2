"""Entities by what people call them, or by how their ids begin: from indexes, never all of them."""

from collections.abc import Sequence
from typing import Any, Final

from beffroi.exchange.asking.question import SqlFilter
from beffroi.exchange.asking.reach import Realm
from beffroi.exchange.asking.store import reached
from beffroi.kernel.database import Connection, fetch_tuples

WORDS_MOST: Final = 6
_LOOKED_AT: Final = 5_000
"""Entities of one word: those of a rarer one are looked at first."""
_LAST_SIGN: Final = "\U0010ffff"
_WORDS: Final = "select array(select distinct exchange.words_in(%s))"
# Of everybody, organisation by organisation: the index begins with these.
_ALL_OWNERS: Final = """
with recursive owner(organisation) as (
    select min(n.organisation) from exchange.name_word n where n.tenant = %s
    union all
    select (select min(n.organisation) from exchange.name_word n
        where n.tenant = %s and n.organisation > o.organisation)
    from owner o where o.organisation is not null
)
"""
_SOME_OWNERS: Final = "with owner(organisation) as (select * from unnest(%s::text[]))"
_OF_WORD: Final = """
select n.number from owner o cross join lateral (
    select w.word, w.number from exchange.name_word w
    where w.tenant = %s and w.organisation = o.organisation and w.word >= %s and w.word < %s
    order by w.word, w.number limit %s
) as n where o.organisation is not null order by n.word, n.number limit %s
"""
_CALLED: Final = """
exists (select from exchange.words_of(exchange.name_of(e.document)) as w(word)
    where w.word >= %s and w.word < %s)
"""
_BY_ID: Final = """
select n.number from unnest(%s::text[]) as begins(id) cross join lateral (
    select e.number {reached} limit %s
) as n limit %s
"""


async def words_in(connection: Connection, told: str) -> list[str]:
    """Return the words of a text as names are kept: without accents or case."""
    rows = await fetch_tuples(connection, _WORDS, (told,))
    return sorted(rows[0][0])[:WORDS_MOST]


async def called(
    connection: Connection, realm: Realm, words: Sequence[str], most: int
) -> tuple[Sequence[int], bool]:
    """Return numbers of entities that may be called so, and whether there may be more.

    Args:
        connection: Where to.
        realm: Whose; what is found still has to be asked for by ``called_so``.
        words: What words of the name begin with.
        most: How many, where there is one word.
    """
    looked_at = most if len(words) == 1 else _LOOKED_AT
    found = [await _of_word(connection, realm, word, looked_at + 1) for word in words]
    fewest = min(found, key=len)
    return fewest[:looked_at], len(fewest) > looked_at


def called_so(words: Sequence[str]) -> SqlFilter:
    """Return the condition that a name, as far as the asker sees it, has words that begin so."""
    parts = " and ".join([_CALLED] * len(words)) or "true"
    return SqlFilter(parts, tuple(edge for word in words for edge in (word, word + _LAST_SIGN)))


async def numbers_by_id(
    connection: Connection, realm: Realm, beginnings: Sequence[str], most: int
) -> Sequence[int]:
    """Return the numbers of entities whose ids begin in one of some ways."""
    asked = SqlFilter(
        "e.id >= begins.id and e.id < begins.id || chr(1114111) and starts_with(e.id, begins.id)"
    )
    which, parameters = reached(realm, asked)
    rows = await fetch_tuples(
        connection, _BY_ID.format(reached=which), (list(beginnings), *parameters, most, most)
    )
    return [row[0] for row in rows]


async def _of_word(connection: Connection, realm: Realm, word: str, most: int) -> Sequence[int]:
    scope, owners = realm.reach.scope, _SOME_OWNERS
    given: tuple[Any, ...]
    if scope.everything:
        owners, given = _ALL_OWNERS, (realm.tenant, realm.tenant)
    else:
        whose = {scope.organisation or "", *(one.owner for one in realm.reach.grants)} - {""}
        given = (sorted(whose),)
    rows = await fetch_tuples(
        connection,
        f"{owners} {_OF_WORD}",
        (*given, realm.tenant, word, word + _LAST_SIGN, most, most),
    )
    return [row[0] for row in rows]
