"""Values at declared places of a payload."""

import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.exchange.uplinks.codecs.byte_map import ByteMap
from beffroi.exchange.uplinks.declared import ByteField
from beffroi.exchange.uplinks.wrong import WrongMessageError


def _read(payload: bytes, *fields: dict[str, Any], port: int = 1) -> dict[str, Any]:
    named = [{"name": f"f{place}", **one} for place, one in enumerate(fields)]
    return ByteMap(msgspec.convert(named, tuple[ByteField, ...])).read(payload, port)


@given(
    st.integers(1, 8),
    st.sampled_from(["big", "little"]),
    st.sampled_from(["int", "uint"]),
    st.integers(0, 5),
    st.data(),
)
def test_whole_numbers_are_read_as_they_were_written(
    length: int, endian: Any, kind: str, before: int, data: st.DataObject
) -> None:
    signed = kind == "int"
    bits = 8 * length
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    value = data.draw(st.integers(low, high))
    payload = bytes(before) + value.to_bytes(length, endian, signed=signed) + b"\xff"
    field = {"offset": before, "length": length, "endian": endian, "kind": kind}
    from_end = {**field, "offset": -length - 1}
    assert _read(payload, field, from_end) == {"f0": value, "f1": value}


def test_bits_are_masked_and_shifted_and_one_alone_is_a_flag() -> None:
    payload = bytes([0b1010_0110, 0xFF])
    assert _read(
        payload,
        {"offset": 0, "kind": "bits", "mask": 0b0000_0110, "shift": 1},
        {"offset": 0, "kind": "bits", "mask": 0b1000_0000, "shift": 7},
        {"offset": 0, "kind": "bits", "mask": 0b0100_0000, "shift": 6},
        {"offset": 0, "length": 2, "kind": "int", "mask": 0x0FFF},
        {"offset": 0, "kind": "uint", "shift": 4},
    ) == {"f0": 3, "f1": True, "f2": False, "f3": 0x6FF, "f4": 10}


def test_numbers_are_scaled_without_the_dust_of_floats() -> None:
    payload = (215).to_bytes(2, "big") + struct.pack("<f", 1.5)
    assert _read(
        payload,
        {"offset": 0, "length": 2, "scale": 0.1},
        {"offset": 0, "length": 2, "scale": 0.1, "offset_added": -40},
        {"offset": 2, "length": 4, "kind": "float", "endian": "little", "scale": 2},
    ) == {"f0": 21.5, "f1": -18.5, "f2": 3}


def test_floats_that_are_no_numbers_tell_nothing() -> None:
    payload = struct.pack(">fd", float("nan"), float("inf"))
    fields = ({"offset": 0, "length": 4}, {"offset": 4, "length": 8, "scale": 2})
    found = _read(payload, *({"kind": "float", **one} for one in fields))
    assert found == {"f0": None, "f1": None}


def test_a_payload_that_ends_early_is_refused_unless_the_field_is_optional() -> None:
    with pytest.raises(WrongMessageError) as caught:
        _read(b"\1", {"offset": 1})
    assert caught.value.values == {"field": "f0", "needed": 2, "length": 1}
    assert _read(b"\1", {"offset": 1, "optional": True}, {"offset": 0}) == {"f1": 1}


def test_fields_of_another_port_are_left_out() -> None:
    fields = ({"offset": 0, "port": 2}, {"offset": 0, "port": 3}, {"offset": 0})
    assert _read(b"\7", *fields, port=3) == {"f1": 7, "f2": 7}


def test_a_payload_that_its_vendor_documents_is_read() -> None:
    # MerryIoT CO2 Air Quality (CD10): the payload and its meaning as the example of its codec in
    # github.com/chirpstack/chirpstack-device-profiles (MIT) tells them.
    assert _read(
        bytes.fromhex("000F19200C02"),
        {"offset": 1, "mask": 0x0F, "scale": 0.1, "offset_added": 2.1},
        {"offset": 2, "kind": "int"},
        {"offset": 3},
        {"offset": 4, "length": 2, "endian": "little"},
        {"offset": 0, "kind": "bits", "mask": 0x10, "shift": 4},
    ) == {"f0": 3.6, "f1": 25, "f2": 32, "f3": 524, "f4": False}
