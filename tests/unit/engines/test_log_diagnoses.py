"""What the machine's page says of the log."""

from datetime import UTC, datetime

from beffroi.engines.doctor import Verdict, log_diagnoses
from beffroi.kernel.catalogue import Language
from beffroi.kernel.log.trimming import LogState, Reader

FIRST_AT = datetime(2026, 11, 15, 8, 30, tzinfo=UTC)


def state(*readers: Reader) -> LogState:
    return LogState(41, FIRST_AT, 3 * 2**30, readers)


def holding(name: str, behind: int) -> Reader:
    return Reader(name, behind, FIRST_AT, follows=True, holds=True)


def test_a_log_that_nobody_holds_is_told_with_its_size_and_its_beginning() -> None:
    (one,) = log_diagnoses(state(Reader("page store", 3, FIRST_AT, follows=True, holds=False)))
    assert one.verdict is Verdict.OK
    assert one.told(Language.EN) == "log of 3.0 GiB, whole since 2026-11-15 08:30 UTC"
    assert one.remedy(Language.EN) == ""


def test_each_who_holds_the_log_is_named_with_what_is_left_to_read_and_the_remedy() -> None:
    found = log_diagnoses(state(holding("exchange.nats", 960), holding("ville/bus", 100)))
    assert [one.verdict for one in found] == [Verdict.WEAKER] * 2
    assert "«exchange.nats» has 960 entries" in found[0].told(Language.EN)
    assert "«ville/bus» a encore 100 entrées" in found[1].told(Language.FR)
    assert "let-go-reader" in found[0].remedy(Language.FR)
