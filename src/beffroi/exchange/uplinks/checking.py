"""What the parts of an uplink must agree on with one another and with the file of its codec."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import UNSET

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.errors import ExchangeError
from beffroi.exchange.feeds.cells import is_form
from beffroi.exchange.feeds.declared import ValueKind
from beffroi.exchange.flows.model import COMPANION_MOST_BYTES
from beffroi.exchange.representation.names import attribute_iri, type_iris
from beffroi.exchange.uplinks.codecs.byte_map import FLOAT_LENGTHS
from beffroi.exchange.uplinks.codecs.interpreter import syntax_fault
from beffroi.exchange.uplinks.declared import ByteKind, Codec, CodecKind, Uplink, UplinkAttribute
from beffroi.exchange.uplinks.mapping import id_paths, path_of
from beffroi.exchange.uplinks.message import Told
from beffroi.exchange.uplinks.reading import topic_of
from beffroi.territory.findings import KeyPath, Mistake

_OF_LORAWAN: Final = (Told.DEVICE, Told.RADIO, Told.STATUS)
_DEVICE: Final = "device"


def mistakes(uplinks: Mapping[str, Uplink], folder: Path) -> Iterator[Mistake]:
    """Tell what is wrong with uplinks that their shape does not tell."""
    for one in uplinks.values():
        path: KeyPath = ("uplinks", one.name)
        yield from uplink_mistakes(one, path)
        if one.codec is not UNSET and one.codec.file is not UNSET:
            yield from _file_mistakes(folder / one.codec.file, one.codec.file, path)


def uplink_mistakes(uplink: Uplink, path: KeyPath) -> Iterator[Mistake]:
    """Tell what is wrong with one uplink, its codec's file aside."""
    if not uplink.topic and uplink.lorawan is UNSET:
        yield Mistake("exchange.uplink_source", path, {"name": uplink.name}, at_key=True)
        return
    pattern = topic_of(uplink)
    if pattern is None:
        yield Mistake("exchange.uplink_topic", (*path, "topic"), {"topic": uplink.topic})
    if uplink.codec is not UNSET:
        yield from _codec_mistakes(uplink, uplink.codec, (*path, "codec"))
    yield from _name_mistakes(uplink, path)
    yield from _time_mistakes(uplink, path)
    levels = {name for _, name in pattern.names} if pattern else set()
    yield from _member_mistakes(uplink, levels, path)
    if not uplink.attributes:
        yield Mistake("exchange.uplink_without_attributes", (*path, "attributes"), {}, at_key=True)
    for name, one in uplink.attributes.items():
        yield from _attribute_mistakes(name, one, (*path, "attributes", name))


def _codec_mistakes(uplink: Uplink, codec: Codec, path: KeyPath) -> Iterator[Mistake]:
    is_javascript = codec.kind is CodecKind.JAVASCRIPT
    if is_javascript == (codec.file is UNSET):
        yield Mistake("exchange.uplink_codec_file", path, {"kind": codec.kind.value}, at_key=True)
    if (codec.kind is CodecKind.BYTES) != bool(codec.fields):
        yield Mistake("exchange.uplink_codec_fields", path, {"kind": codec.kind.value}, at_key=True)
    if codec.kind is CodecKind.NETWORK and uplink.lorawan is UNSET:
        yield Mistake("exchange.uplink_codec_network", (*path, "kind"), {"name": uplink.name})
    for place, field in enumerate(codec.fields):
        at = (*path, "fields", place)
        if field.kind is ByteKind.FLOAT and field.length not in FLOAT_LENGTHS:
            values = {"field": field.name, "length": field.length}
            yield Mistake("exchange.uplink_float_length", at, values, at_key=True)
        if field.offset < 0 < field.offset + field.length:
            yield Mistake("exchange.uplink_field_past_end", at, {"field": field.name}, at_key=True)
        if field.mask >> (8 * field.length) or field.shift >= 8 * field.length:
            values = {"field": field.name, "length": field.length}
            yield Mistake("exchange.uplink_field_mask", at, values, at_key=True)


def _file_mistakes(file: Path, name: str, path: KeyPath) -> Iterator[Mistake]:
    at = (*path, "codec", "file")
    try:
        text = file.read_bytes()
    except OSError as error:
        values = {"file": name, "reason": error.strerror or str(error)}
        yield Mistake("exchange.uplink_codec_unreadable", at, values)
        return
    if len(text) > COMPANION_MOST_BYTES:
        sizes = {"file": name, "bytes": len(text), "most": COMPANION_MOST_BYTES}
        yield Mistake("exchange.uplink_codec_too_large", at, sizes)
    elif fault := syntax_fault(text.decode("utf-8", "replace")):
        yield Mistake("exchange.uplink_codec_syntax", at, {"file": name, "reason": fault})


def _name_mistakes(uplink: Uplink, path: KeyPath) -> Iterator[Mistake]:
    try:
        type_iris(uplink.type, CORE)
    except ExchangeError as error:
        yield Mistake(error.code, (*path, "type"), error.values)
    for name in uplink.attributes:
        try:
            attribute_iri(name, CORE)
        except ExchangeError as error:
            yield Mistake(error.code, (*path, "attributes", name), error.values, at_key=True)


def _time_mistakes(uplink: Uplink, path: KeyPath) -> Iterator[Mistake]:
    if uplink.observed_at is UNSET:
        return
    zone = uplink.observed_at.zone
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Mistake("exchange.feed_zone_unknown", (*path, "observed_at", "zone"), {"zone": zone})
    form = uplink.observed_at.format
    if form and not is_form(form):
        yield Mistake(
            "exchange.feed_form_unknown", (*path, "observed_at", "format"), {"form": form}
        )


def _member_mistakes(uplink: Uplink, levels: set[str], path: KeyPath) -> Iterator[Mistake]:
    """Tell which members no message can have."""
    known = levels | (set() if uplink.lorawan is UNSET else {_DEVICE})
    named: list[tuple[KeyPath, str, tuple[str, ...]]] = [
        (("id",), name, steps) for name, steps in id_paths(uplink.id)
    ]
    if uplink.observed_at is not UNSET:
        field = uplink.observed_at.field
        named.append((("observed_at", "field"), field, path_of(field)))
    for name, one in uplink.attributes.items():
        of: KeyPath = ("attributes", name)
        named += [((*of, "object"), told, steps) for told, steps in id_paths(one.object)]
        for key in ("field", "longitude", "latitude"):
            if field := getattr(one, key):
                named.append(((*of, key), field, path_of(field)))
    for at, name, steps in named:
        if not _can_be(steps, uplink, known):
            values = {"member": name, "levels": ", ".join(sorted(known)) or "-"}
            yield Mistake("exchange.uplink_member_unknown", (*path, *at), values)
    if not list(id_paths(uplink.id)):
        yield Mistake("exchange.uplink_id_fixed", (*path, "id"), {"id": uplink.id})


def _can_be(steps: tuple[str, ...], uplink: Uplink, levels: set[str]) -> bool:
    part = steps[0]
    if part == Told.OBJECT or not all(steps):
        return all(steps)
    if part == Told.TOPIC:
        return len(steps) == 2 and steps[1] in levels
    return part in _OF_LORAWAN and len(steps) == 2 and uplink.lorawan is not UNSET


def _attribute_mistakes(name: str, one: UplinkAttribute, path: KeyPath) -> Iterator[Mistake]:
    point = (bool(one.longitude), bool(one.latitude))
    sources = (bool(one.field), any(point), bool(one.object))
    if sum(sources) != 1 or any(point) != all(point):
        yield Mistake("exchange.uplink_attribute_source", path, {"name": name}, at_key=True)
    if one.multiplied_by != 1 and one.kind is not ValueKind.NUMBER:
        yield Mistake("exchange.uplink_factor_of_text", (*path, "multiplied_by"), {"name": name})
