"""Payloads whose values lie at places that their owner declares."""

import math
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

from beffroi.exchange.uplinks.declared import ByteField, ByteKind, Endian
from beffroi.exchange.uplinks.wrong import wrong_message

FLOAT_LENGTHS: Final = {2: "e", 4: "f", 8: "d"}
_Reader = Callable[[bytes], Any]


class ByteMap:
    """Reads payloads as fields declare them."""

    def __init__(self, fields: Sequence[ByteField]) -> None:
        self._fields = [(one, _reader(one)) for one in fields]

    def read(self, payload: bytes, port: int) -> dict[str, Any]:
        """Return values by the names of their fields.

        Raises:
            WrongMessageError: The payload ends before a field that is not optional.
        """
        found: dict[str, Any] = {}
        length = len(payload)
        for field, read in self._fields:
            if field.port not in (0, port):
                continue
            start = field.offset if field.offset >= 0 else length + field.offset
            end = start + field.length
            if start < 0 or end > length:
                if field.optional:
                    continue
                raise wrong_message(
                    "exchange.uplink_field_beyond", field=field.name, needed=end, length=length
                )
            found[field.name] = read(payload[start:end])
        return found


def _reader(field: ByteField) -> _Reader:
    if field.kind is ByteKind.FLOAT:
        order = ">" if field.endian is Endian.BIG else "<"
        form = struct.Struct(order + FLOAT_LENGTHS[field.length])
        return lambda part: _scaled(form.unpack(part)[0], field)
    return lambda part: _scaled(_whole(part, field), field)


def _whole(part: bytes, field: ByteField) -> int | bool:
    signed = field.kind is ByteKind.INT and not field.mask
    value = int.from_bytes(part, field.endian.value, signed=signed)
    mask = field.mask
    if mask:
        value = (value & mask) >> field.shift
        if field.kind is ByteKind.INT:
            return _signed(value, (mask >> field.shift).bit_length())
        is_flag = field.kind is ByteKind.BITS and (mask >> field.shift) == 1
        return bool(value) if is_flag else value
    return value >> field.shift


def _signed(value: int, bits: int) -> int:
    """Read the two's complement of a number of so many bits."""
    return value - (1 << bits) if bits and value >> (bits - 1) else value


def _scaled(value: float, field: ByteField) -> float | None:
    """Multiply and add; what is no number tells nothing."""
    if isinstance(value, bool) or (field.scale == 1 and not field.offset_added):
        return value if math.isfinite(value) else None
    scaled = value * field.scale + field.offset_added
    # Twelve digits: what a tenth or a hundredth adds beyond is the computer's, not the device's.
    return float(f"{scaled:.12g}") if math.isfinite(scaled) else None
