"""What the door says beside a problem."""

from beffroi.exchange.api.answers import refused
from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import NotFoundError, UnavailableError


def test_who_comes_while_postgresql_is_away_is_told_when_to_come_again() -> None:
    answer = refused(UnavailableError("kernel.database_unreachable"), Language.EN)
    assert answer.status == 503
    assert (b"retry-after", b"5") in answer.headers


def test_who_asks_for_what_is_not_there_is_not_told_to_come_again() -> None:
    answer = refused(NotFoundError("kernel.page_unknown"), Language.EN)
    assert b"retry-after" not in dict(answer.headers)
