"""Long computing in a process of its own answers, tells how far it is, and fails in our words."""

import pytest

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import FailedError, InvalidInputError
from beffroi.kernel.processes.workers import Progress, asked_of_worker

WORKER = "tests.support.counting_worker"


async def _counted(upto: int, told: list[Progress]) -> int:
    return await asked_of_worker(WORKER, upto, int, told.append, deadline_s=30)


async def test_a_worker_answers_and_tells_how_far_it_is() -> None:
    told: list[Progress] = []
    assert await _counted(3, told) == 6
    assert [one.share for one in told] == [1 / 3, 2 / 3, 1.0]


async def test_an_error_of_ours_arrives_as_it_was_raised() -> None:
    with pytest.raises(InvalidInputError) as raised:
        await _counted(-2, [])
    assert raised.value.code == "energy.power_points_few"
    assert raised.value.values == {"count": "-2"}


async def test_mistakes_arrive_with_their_places_in_every_language() -> None:
    with pytest.raises(InvalidInputError) as raised:
        await _counted(-1, [])
    assert raised.value.code == "territory.invalid"
    for language, word in ((Language.FR, "date"), (Language.EN, "date")):
        (found,) = raised.value.findings(language)
        assert (found["file"], found["line"], found["column"]) == ("numbers.yaml", 3, 7)
        assert word in found["message"]


async def test_a_worker_that_dies_is_told_with_its_last_words() -> None:
    with pytest.raises(FailedError) as raised:
        await _counted(0, [])
    assert raised.value.code == "kernel.worker_failed"
    assert "ZeroDivisionError" in str(raised.value.values["reason"])


async def test_a_worker_that_takes_too_long_is_ended() -> None:
    with pytest.raises(FailedError) as raised:
        await asked_of_worker(WORKER, 10**9, int, lambda _: None, deadline_s=2)
    assert raised.value.values["reason"] == "more than 2 s"
