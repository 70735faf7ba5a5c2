"""When scheduled commands are due."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from beffroi.hosting.jobs import next_due
from tests.unit.hosting.declared import MOMENT, application, deployment, job


def test_nothing_is_due_where_nothing_is_scheduled() -> None:
    assert next_due([], MOMENT) == []
    assert next_due([deployment(application())], MOMENT) == []


def test_the_earliest_job_comes_first() -> None:
    bus = application(jobs={"hourly": job("0 * * * *"), "often": job("*/5 * * * *")})
    due = next_due([deployment(bus)], MOMENT)
    assert [(one.name, one.at) for one in due] == [("often", MOMENT + timedelta(minutes=5))]


def test_jobs_of_the_same_minute_come_together() -> None:
    bus = application("bus", jobs={"tidy": job("30 8 * * *")})
    tram = application("tram", jobs={"tidy": job("30 8 * * *"), "later": job("31 8 * * *")})
    due = next_due([deployment(bus), deployment(tram)], MOMENT)
    assert [(one.deployment.application, one.name) for one in due] == [
        ("bus", "tidy"),
        ("tram", "tidy"),
    ]


def test_the_moment_itself_is_past() -> None:
    bus = application(jobs={"eight": job("0 8 * * *")})
    assert next_due([deployment(bus)], MOMENT)[0].at == MOMENT + timedelta(days=1)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(1, 59))  # noqa: DTZ001
def test_what_is_due_lies_ahead_and_within_its_period(naive: datetime, minutes: int) -> None:
    after = naive.replace(tzinfo=MOMENT.tzinfo)
    bus = application(jobs={"often": job(f"*/{minutes} * * * *")})
    due = next_due([deployment(bus)], after)[0].at
    assert after < due <= after + timedelta(hours=1)
