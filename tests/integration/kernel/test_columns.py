"""Columns of values come to PostgreSQL as they were."""

from datetime import UTC, datetime, timedelta, timezone

from beffroi.kernel.database import fetch_tuples
from beffroi.kernel.database.columns import EncodedTexts, Numbers, Texts, Times, Truths
from beffroi.kernel.database.pool import EVERYTHING
from tests.conftest import MakeDatabase

_TEXTS = ["", "a", None, 'quo"te', "back\\slash", "{1,2}", "NULL", "été\n\t", "𝄞", "a", "x" * 9000]
_TIMES = [
    datetime(2026, 11, 22, 8, 0, 0, 123456, tzinfo=UTC),
    None,
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(2026, 3, 29, 2, 30, tzinfo=timezone(timedelta(hours=2))),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
]
_NUMBERS = [0.0, -0.5, None, 1e308, 5e-324, 21.5, 2.0**53]
_TRUTHS = [True, None, False]


async def test_each_kind_of_column_comes_as_it_was(make_database: MakeDatabase) -> None:
    database = await make_database("kernel")
    async with database.transaction(EVERYTHING) as connection:
        rows = await fetch_tuples(
            connection,
            "select * from unnest(%s::text[], %s::text[], %s::timestamptz[], %s::float8[], "
            "%s::boolean[]) with ordinality as given(a, b, c, d, e, place) order by place",
            (
                Texts(_TEXTS),
                EncodedTexts([(one or "-").encode() for one in _TEXTS]),
                Times(_TIMES[:5]),
                Numbers(_NUMBERS),
                Truths(_TRUTHS),
            ),
        )
    columns = list(zip(*rows, strict=True))
    assert list(columns[0]) == _TEXTS
    assert list(columns[1]) == [one or "-" for one in _TEXTS]
    assert list(columns[2])[: len(_TIMES) - 1] == _TIMES[:5]
    assert list(columns[3])[: len(_NUMBERS)] == _NUMBERS
    assert list(columns[4])[: len(_TRUTHS)] == _TRUTHS


async def test_a_column_of_nothing_has_no_rows(make_database: MakeDatabase) -> None:
    database = await make_database("kernel")
    async with database.transaction(EVERYTHING) as connection:
        for nothing, kind in (
            (Texts([]), "text"),
            (Times([]), "timestamptz"),
            (Truths([]), "bool"),
        ):
            statement = f"select count(*) from unnest(%s::{kind}[])"  # noqa: S608
            assert await fetch_tuples(connection, statement, (nothing,)) == [(0,)]
