"""Messages of devices become measures: once, in order, and nothing is lost on the way."""

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

from beffroi.app.exchange_wiring import exchange_services
from beffroi.exchange.model import Entity
from beffroi.exchange.service import Wish
from beffroi.exchange.uplinks.message import UplinkMessage
from beffroi.kernel.clock import SystemClock
from beffroi.kernel.rights.model import Actor, Role
from tests.integration.exchange.uplinks.conftest import ARRAS, Town
from tests.support.waiting import eventually

WEATHER: Final[dict[str, Any]] = {
    "topic": "sensors/{device}/up",
    "id": "urn:ngsi-ld:Device:{device}",
    "type": "WeatherObserved",
    "observed_at": {"field": "object.time"},
    "attributes": {
        "temperature": {"field": "object.temperature", "unit": "CEL", "measured": True},
        "serial": {"field": "object.serial"},
    },
}
SEVEN: Final = "urn:ngsi-ld:Device:seven"


def _told(temperature: float, minute: int, **more: str) -> bytes:
    text = ", ".join(f'"{name}": "{value}"' for name, value in more.items())
    return (
        f'{{"temperature": {temperature}, "time": "2026-11-22T10:{minute:02}:00Z"'
        f"{', ' + text if text else ''}}}"
    ).encode()


def _at(minute: int) -> datetime:
    return datetime(2026, 11, 22, 10, minute, tzinfo=UTC)


async def test_a_late_measure_joins_the_history_and_leaves_the_latest_value(town: Town) -> None:
    await town.declare(weather=WEATHER)
    topic = "sensors/seven/up"
    outcomes = await town.sent(
        (topic, _told(20, 5)), (topic, _told(21, 10)), (topic, _told(19, 1, serial="A1"))
    )
    assert outcomes == [None, None, None]
    held = await town.held(SEVEN)
    assert held == {"temperature": (21, _at(10)), "serial": ("A1", None)}
    assert await town.values(SEVEN, "temperature") == [19, 20, 21]


async def test_a_message_that_comes_again_changes_nothing(town: Town) -> None:
    await town.declare(weather=WEATHER)
    messages = [("sensors/seven/up", _told(20 + minute, minute)) for minute in (3, 1, 2)]
    await town.sent(*messages)
    before = await town.services.exchange.entity(ARRAS, "", SEVEN)
    for again in (messages, messages[::-1]):
        assert await town.sent(*again) == [None, None, None]
    assert await town.services.exchange.entity(ARRAS, "", SEVEN) == before
    assert await town.values(SEVEN, "temperature") == [21, 22, 23]


async def test_a_message_out_of_its_mind_is_kept_and_the_others_go_through(town: Town) -> None:
    await town.declare(weather=WEATHER)
    deep = b'{"temperature": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    wrong = [
        (b"not json", "exchange.json_broken"),
        (b'{"temperature": NaN, "time": "2026-11-22T10:00:00Z"}', "exchange.json_not_a_number"),
        (deep, "exchange.json_too_deep"),
        (b'{"temperature": 3}', "exchange.uplink_instant_missing"),
        (b'{"temperature": 3, "time": "yesterday"}', "exchange.feed_not_an_instant"),
        (b'{"temperature": 3, "time": 7}', "exchange.uplink_instant_unreadable"),
        (b'{"temperature": 3, "time": "2199-01-01T00:00:00Z"}', "exchange.uplink_instant_ahead"),
        (b'{"humidity": 3, "time": "2026-11-22T10:00:00Z"}', "exchange.uplink_tells_nothing"),
        (b'"' + b"x" * 1_100_000 + b'"', "exchange.uplink_too_large"),
        (b'["temperature", 3]', "exchange.uplink_instant_missing"),
        (_told(1, 1, serial="\\u0000"), "exchange.json_unkeepable"),
        (b'{"serial": "\xe9"}', "exchange.json_not_utf8"),
        (b"", "exchange.json_broken"),
    ]
    messages = [("sensors/seven/up", payload) for payload, _ in wrong]
    outcomes = await town.sent(*messages, ("sensors/seven/up", _told(4, 4)), ("elsewhere", b"{}"))
    assert [one and one.code for one in outcomes] == [
        *(code for _, code in wrong),
        None,
        "exchange.uplink_topic_unknown",
    ]
    assert (await town.held(SEVEN))["temperature"] == (4, _at(4))
    kept = await town.refused("weather")
    assert {one.error.code for one in kept} == {code for _, code in wrong}
    assert "not json" in {one.told for one in kept}
    state = (await town.flow("weather")).state
    assert (state.carried, state.refused) == (1, len(wrong))


async def test_an_uplink_makes_as_many_entities_as_it_may(town: Town) -> None:
    await town.declare(weather={**WEATHER, "devices_most": 2})
    sent = [(f"sensors/{name}/up", _told(1, 1)) for name in ("a", "b", "c", "a")]
    outcomes = await town.sent(*sent)
    full = "exchange.uplink_devices_full"
    assert [one and one.code for one in outcomes] == [None, None, full, None]
    assert "2 entities" in str(outcomes[2])


async def test_two_processes_together_make_no_more_entities_than_one_may(town: Town) -> None:
    await town.declare(weather={**WEATHER, "devices_most": 5})
    other = exchange_services(town.foundation)
    await other.uplinks.renew()
    writing = asyncio.create_task(other.exchange.run())
    now = SystemClock().now()
    told = [UplinkMessage(f"sensors/{name}/up", _told(1, 1), now) for name in "abcdefgh"]
    both = (town.services.uplinks, other.uplinks)
    outcomes = await asyncio.gather(
        *(uplinks.received(ARRAS, [one]) for one in (*told, *told[::-1]) for uplinks in both)
    )
    again = [await uplinks.received(ARRAS, told) for uplinks in both]
    writing.cancel()
    made = [one.topic for one, error in zip(told, again[0], strict=True) if error is None]
    assert len(made) == 5
    assert [error is None for error in again[1]] == [one.topic in made for one in told]
    assert sum(error is None for (error,) in outcomes) == 5 * 4


async def test_a_place_that_could_not_be_taken_is_free_for_both_processes(town: Town) -> None:
    await town.declare(weather={**WEATHER, "devices_most": 1})
    other = exchange_services(town.foundation)
    await other.uplinks.renew()
    (refused,) = await town.sent(("sensors/a/up", b'{"at": "2026-11-22T00:00:00Z"}'))
    assert refused is not None
    writing = asyncio.create_task(other.exchange.run())
    now = SystemClock().now()
    assert await other.uplinks.received(
        ARRAS, [UplinkMessage("sensors/b/up", _told(1, 1), now)]
    ) == [None]
    writing.cancel()
    (full,) = await town.sent(("sensors/c/up", _told(1, 1)))
    assert full is not None
    assert full.code == "exchange.uplink_devices_full"


async def test_what_another_organisation_has_takes_no_place(town: Town) -> None:
    theirs = Entity(
        id="urn:ngsi-ld:Device:a",
        types=("urn:x:T",),
        attributes={},
        created_at=_at(0),
        modified_at=_at(0),
    )
    lens = Actor("probes", Role.PARTNER, "lens")
    wish = Wish(theirs.id, lambda held: held or theirs)
    assert await town.services.exchange.carry_out(lens, "", [wish]) == [None]
    await town.declare(weather={**WEATHER, "devices_most": 1})
    (refused,) = await town.sent(("sensors/a/up", _told(1, 1)))
    assert refused is not None
    assert await town.sent(("sensors/b/up", _told(1, 1))) == [None]


async def test_an_uplink_that_cannot_be_made_ready_stops_no_other(town: Town) -> None:
    await town.declare(weather=WEATHER, broken={**WEATHER, "topic": "broken/{device}"})
    await town.corrupt("broken")
    await town.services.uplinks.renew()
    unknown, taken = await town.sent(("broken/a/up", b"{}"), ("sensors/b/up", _told(1, 1)))
    assert unknown is not None
    assert taken is None
    assert (await town.flow("broken")).state.failing_since is not None


async def test_what_is_applied_paused_or_ended_counts_for_the_next_message(town: Town) -> None:
    await town.declare(weather=WEATHER)
    flows = town.services.flow_parts.flows
    message = ("sensors/seven/up", _told(1, 1))
    await flows.pause(ARRAS, "arras", "weather")

    async def paused() -> bool:
        (outcome,) = await town.sent(message)
        return outcome is not None and outcome.code == "exchange.uplink_paused"

    assert await eventually(paused, 5)
    await flows.resume(ARRAS, "arras", "weather")
    await flows.remove(ARRAS, "arras", "weather")

    async def gone() -> bool:
        (outcome,) = await town.sent(message)
        return outcome is not None and outcome.code == "exchange.uplink_topic_unknown"

    assert await eventually(gone, 5)


async def test_ten_senders_at_once_lose_nothing(town: Town) -> None:
    await town.declare(weather=WEATHER)

    async def send(device: int) -> None:
        for start in range(0, 60, 20):
            part = range(start, start + 20)
            await town.sent(*((f"sensors/{device}/up", _told(one, one)) for one in part))

    await asyncio.gather(*(send(device) for device in range(10)))
    for device in range(10):
        values = await town.values(f"urn:ngsi-ld:Device:{device}", "temperature")
        assert values == list(range(60))


def _event(application: str, device: str, co2: int) -> tuple[str, bytes]:
    info = (
        f'{{"applicationId": "id-of-{application}", "applicationName": "{application}", '
        f'"devEui": "{device}"}}'
    )
    told = f'{{"time": "2026-11-22T10:00:00Z", "deviceInfo": {info}, "object": {{"co2": {co2}}}}}'
    return f"application/id-of-{application}/device/{device}/event/up", told.encode()


async def test_each_application_of_one_network_has_an_uplink_of_its_own(town: Town) -> None:
    uplinks: dict[str, dict[str, Any]] = {
        name: {
            "lorawan": {"network": "chirpstack", "application": name},
            "id": "urn:ngsi-ld:Device:{device}",
            "type": kind,
            "attributes": {"co2": {"field": "object.co2", "measured": True}},
        }
        for name, kind in (("schools", "SchoolAir"), ("streets", "StreetAir"))
    }
    await town.declare(None, **uplinks)
    eui = "010101010101010"
    outcomes = await town.sent(
        _event("schools", f"{eui}1", 600),
        _event("streets", f"{eui}2", 700),
        _event("harbour", f"{eui}3", 800),
    )
    other = "exchange.uplink_other_application"
    assert [one and one.code for one in outcomes] == [None, None, other]
    carried = [(await town.flow(name)).state.carried for name in uplinks]
    assert carried == [1, 1]
    found = await town.services.exchange.entity(ARRAS, "", f"urn:ngsi-ld:Device:{eui}2")
    assert [one.rpartition("/")[2] for one in found.types] == ["StreetAir"]
