"""What a message would become, told without a platform."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import UNSET

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute, Entity, Iri
from beffroi.exchange.representation.writing import Form, written
from beffroi.exchange.uplinks.codecs.javascript import JavascriptWorker
from beffroi.exchange.uplinks.declared import Uplink
from beffroi.exchange.uplinks.decoding import Decoder
from beffroi.exchange.uplinks.mapping import Measures, UplinkMapping
from beffroi.exchange.uplinks.message import Ignored, Reading, UplinkMessage
from beffroi.exchange.uplinks.reading import UplinkReader, codec_text, topic_of
from beffroi.exchange.uplinks.topics import TopicTable
from beffroi.exchange.uplinks.wrong import UplinkUnknownError, wrong_message
from beffroi.kernel.clock import SystemClock

Chosen = tuple[Uplink, Mapping[str, str]]
"""An uplink, and the named levels of the topic that its message was sent to."""


def chosen(uplinks: Mapping[str, Uplink], wanted: str) -> Chosen:
    """Return the uplink that is meant: by its name, by a topic, or because it is the only one.

    Where no topic is told, levels that have names stand for themselves.

    Raises:
        UplinkUnknownError: None is, or several are.
    """
    patterns = {one.name: (topic_of(one), one) for one in uplinks.values()}
    if wanted in patterns or (not wanted and len(patterns) == 1):
        pattern, one = patterns[wanted or next(iter(patterns))]
        names = () if pattern is None else pattern.names
        return one, {name: "up" if name == "event" else name for _, name in names}
    table = TopicTable((pattern, one) for pattern, one in patterns.values() if pattern is not None)
    found = table.found(wanted)
    if found is None:
        known = ", ".join(uplinks) or "-"
        raise UplinkUnknownError("exchange.uplink_not_chosen", name=wanted, known=known)
    return found


def tried(uplink: Uplink, named: Mapping[str, str], folder: Path, payload: bytes) -> dict[str, Any]:
    """Return the entity that a message would change, in the form of the standard.

    Names are read with the core @context: that of the uplink is the platform's to fetch.

    Args:
        uplink: What it is sent to.
        named: The named levels of its topic.
        folder: Of the file that declares it.
        payload: What the device or its network sends.

    Raises:
        WrongMessageError: It would be refused.
    """
    now = SystemClock().now()
    reading = UplinkReader(uplink).read(UplinkMessage("", payload, now), named)
    if isinstance(reading, Ignored):
        raise wrong_message("exchange.uplink_ignored", event=reading.event)
    if reading.undecoded is not None:
        asyncio.run(_decode(uplink, folder, reading))
    measures = UplinkMapping(uplink, CORE).mapped(reading, now)
    return written(_entity(measures), CORE, Form())


async def _decode(uplink: Uplink, folder: Path, reading: Reading) -> None:
    codec = uplink.codec
    files: dict[str, bytes] = {}
    if codec is not UNSET and codec.file is not UNSET:
        files[codec.file] = await asyncio.to_thread((folder / codec.file).read_bytes)
    worker = JavascriptWorker()
    try:
        (error,) = await Decoder(worker).decode(codec_text(uplink, files), [reading])
    finally:
        await worker.close()
    if error is not None:
        raise error


def _entity(measures: Measures) -> Entity:
    attributes: dict[Iri, tuple[Attribute, ...]] = {iri: (one,) for iri, one in measures.attributes}
    return Entity(id=measures.id, types=measures.types, attributes=attributes)
