"""Of two sessions that claim a name the later one has it."""

from datetime import UTC, datetime, timedelta

from beffroi.exchange.mqtt.peers import Claim

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FIRST, SECOND = Claim("first", NOW), Claim("second", NOW + timedelta(microseconds=1))


def test_a_claim_yields_to_a_later_one_alone() -> None:
    assert FIRST.yields_to(SECOND)
    assert not SECOND.yields_to(FIRST)


def test_a_claim_that_is_told_again_yields_to_nobody() -> None:
    assert not FIRST.yields_to(FIRST)
