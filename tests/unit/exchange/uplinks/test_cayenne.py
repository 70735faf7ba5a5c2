"""Cayenne LPP: every type, several channels, and what is cut off or unknown."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.exchange.uplinks.codecs.cayenne import TYPES, read_lpp
from beffroi.exchange.uplinks.wrong import WrongMessageError

# Type: how many bytes each number has, what it is divided by, whether it may be below zero.
WRITTEN = {
    0: (1, 1, False),
    1: (1, 1, False),
    2: (2, 100, True),
    3: (2, 100, True),
    100: (4, 1, False),
    101: (2, 1, False),
    102: (1, 1, False),
    103: (2, 10, True),
    104: (1, 2, False),
    113: (2, 1000, True),
    115: (2, 10, False),
    116: (2, 100, False),
    117: (2, 1000, False),
    118: (4, 1, False),
    120: (1, 1, False),
    121: (2, 1, True),
    122: (3, 1000, True),
    125: (2, 1, False),
    128: (2, 1, False),
    130: (4, 1000, False),
    131: (4, 1000, False),
    132: (2, 1, False),
    133: (4, 1, False),
    134: (2, 100, True),
    135: (1, 1, False),
    142: (1, 1, False),
}
PARTS = {113: "xyz", 134: "xyz", 135: "rgb"}


@st.composite
def readings(draw: st.DrawFn) -> tuple[bytes, dict[str, Any]]:
    """Draw a payload, written as the type's table says, and what it stands for."""
    payload, told = b"", dict[str, Any]()
    kinds = st.sampled_from([*WRITTEN, 136])
    for channel, kind in draw(st.dictionaries(st.integers(0, 255), kinds, max_size=8)).items():
        payload += bytes([channel, kind])
        if kind == 136:
            place: dict[str, float] = {}
            for name, divided_by in (
                ("latitude", 10_000),
                ("longitude", 10_000),
                ("altitude", 100),
            ):
                whole = draw(st.integers(-(2**23), 2**23 - 1))
                payload += whole.to_bytes(3, "big", signed=True)
                place[name] = whole / divided_by
            told[f"gps_{channel}"] = place
            continue
        length, divided_by, signed = WRITTEN[kind]
        bits = 8 * length
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        values: dict[str, float] = {}
        for part in PARTS.get(kind, "-"):
            whole = draw(st.integers(low, high))
            payload += whole.to_bytes(length, "big", signed=signed)
            values[part] = whole / divided_by
        told[f"{TYPES[kind].name}_{channel}"] = values.get("-", values)
    return payload, told


@given(readings())
def test_what_is_written_is_read(reading: tuple[bytes, dict[str, Any]]) -> None:
    payload, told = reading
    assert read_lpp(payload) == told


@settings(max_examples=50)
@given(readings(), st.data())
def test_a_payload_cut_within_a_value_is_refused(
    reading: tuple[bytes, dict[str, Any]], data: st.DataObject
) -> None:
    payload, told = reading
    cut = payload[: data.draw(st.integers(0, len(payload)))]
    code = ""
    found: dict[str, Any] = {}
    try:
        found = read_lpp(cut)
    except WrongMessageError as error:
        code = error.code
    assert code in ("", "exchange.uplink_payload_short")
    assert found.items() <= told.items()


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    try:
        found = read_lpp(payload)
    except WrongMessageError:
        return
    for value in found.values():
        numbers = value.values() if isinstance(value, dict) else [value]
        assert all(math.isfinite(one) for one in numbers)


def test_the_examples_of_its_specification_are_read() -> None:
    # Cayenne Docs, "LoRa: Cayenne Low Power Payload", "Data Frame Examples".
    assert read_lpp(bytes.fromhex("03670110056700FF")) == {
        "temperature_3": 27.2,
        "temperature_5": 25.5,
    }
    assert read_lpp(bytes.fromhex("0167FFD7067104D2FB2E0000")) == {
        "temperature_1": -4.1,
        "accelerometer_6": {"x": 1.234, "y": -1.234, "z": 0},
    }
    assert read_lpp(bytes.fromhex("018806765FF2960A0003E8")) == {
        "gps_1": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10}
    }


def test_a_type_that_is_none_is_told_with_its_place() -> None:
    with pytest.raises(WrongMessageError) as caught:
        read_lpp(bytes.fromhex("0367011005FF00"))
    assert caught.value.code == "exchange.uplink_lpp_type"
    assert caught.value.values == {"type": 255, "position": 5}
