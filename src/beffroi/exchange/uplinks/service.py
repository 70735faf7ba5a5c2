"""The verb that takes messages of devices in, whichever way they come."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from beffroi.exchange.contexts.service import Contexts
from beffroi.exchange.flows.journal import FlowJournal
from beffroi.exchange.flows.model import HeldFlow
from beffroi.exchange.flows.service import Flows
from beffroi.exchange.uplinks import device_store
from beffroi.exchange.uplinks.codecs.javascript import JavascriptWorker
from beffroi.exchange.uplinks.decoding import Decoder
from beffroi.exchange.uplinks.devices import Devices
from beffroi.exchange.uplinks.mapping import Measures
from beffroi.exchange.uplinks.measuring import Measuring
from beffroi.exchange.uplinks.message import Ignored, Reading, UplinkMessage
from beffroi.exchange.uplinks.planning import UPLINK
from beffroi.exchange.uplinks.reading import excerpt_of
from beffroi.exchange.uplinks.running import RunningUplink
from beffroi.exchange.uplinks.topics import TopicTable
from beffroi.exchange.uplinks.wrong import (
    OtherApplicationError,
    UplinkPausedError,
    UplinkUnknownError,
    wrong_message,
)
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError, FailedError
from beffroi.kernel.rights.model import Actor, Permission

_Places = Iterator[tuple[RunningUplink, Mapping[str, str]]]
"""Uplinks that a message may belong to, each with the named levels of its topic."""

_logger = logging.getLogger(__name__)
_RENEWED_S: Final = 60.0


class UplinkNeeds(NamedTuple):
    """What uplinks stand on."""

    database: Database
    contexts: Contexts
    flows: Flows
    journal: FlowJournal
    measuring: Measuring
    devices: Devices
    clock: Clock


class _Table(msgspec.Struct, frozen=True):
    """The uplinks of an organisation, by topic and by name."""

    topics: TopicTable[RunningUplink]
    named: Mapping[str, RunningUplink]


class _Taken(msgspec.Struct):
    """A message on its way: where it belongs, what it tells, what it becomes."""

    place: int
    message: UplinkMessage
    uplink: RunningUplink
    reading: Reading
    measures: Measures | None = None
    is_new: bool = False


class Uplinks:
    """Messages of devices: read, mapped, committed."""

    def __init__(self, needs: UplinkNeeds) -> None:
        self._needs = needs
        self._tables: Mapping[str, _Table] = {}
        self._loaded = asyncio.Event()
        self._renewing = asyncio.Lock()
        self._admitting = asyncio.Lock()
        self._javascript = JavascriptWorker()
        self._decoder = Decoder(self._javascript)

    @property
    def devices(self) -> Devices:
        """Return the devices that were heard of."""
        return self._needs.devices

    async def run(self) -> None:
        """Note devices, and look at what is declared, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._needs.devices.run())
                tasks.create_task(self._renew_often())
        finally:
            await self._javascript.close()

    async def renew(self) -> None:
        """Read anew what organisations declare; called at the start and when it changes."""
        # Two at once could end with what the one that began first has read.
        async with self._renewing:
            await self._renew()

    async def _renew(self) -> None:
        flows = await self._needs.flows.declared({UPLINK})
        by_organisation: dict[str, dict[str, RunningUplink]] = {}
        held = {
            one.flow.key: one for table in self._tables.values() for one in table.named.values()
        }
        for flow in flows:
            running = held.get(flow.key)
            if running is None or running.flow != flow:
                running = await self._running(flow)
            if running is not None:
                by_organisation.setdefault(flow.organisation, {})[flow.name] = running
        self._tables = {
            organisation: _Table(TopicTable((one.pattern, one) for one in named.values()), named)
            for organisation, named in by_organisation.items()
        }
        self._loaded.set()

    async def received(
        self, actor: Actor, messages: Sequence[UplinkMessage]
    ) -> Sequence[BeffroiError | None]:
        """Take messages in by their topics; return once all are committed or refused.

        What is refused is noted in its flow; an error of another kind is that of the moment, and
        the message may be sent again.

        Raises:
            ForbiddenError: The actor may not write.
            UnavailableError: The database does not answer, or too much waits for it.
        """
        actor.require(Permission.WRITE_DATA, actor.organisation)
        await self._ready()
        table = self._tables.get(actor.organisation)
        found: list[_Places] = [
            iter(()) if table is None else table.topics.matching(one.topic) for one in messages
        ]
        return await self._taken(actor, messages, found)

    async def delivered(
        self,
        actor: Actor,
        address: tuple[str, str],
        message: UplinkMessage,
        named: Mapping[str, str],
    ) -> BeffroiError | None:
        """Take a message in that was sent to an uplink by its name.

        Args:
            actor: Who sends.
            address: The organisation and the name of the uplink.
            message: As it came; its topic is of no account.
            named: What would be levels of its topic.

        Raises:
            ForbiddenError: The actor may not write for that organisation.
            UplinkUnknownError: The organisation has no such uplink.
            UnavailableError: The database does not answer, or too much waits for it.
        """
        organisation, name = address
        actor.require(Permission.WRITE_DATA, organisation)
        await self._ready()
        table = self._tables.get(organisation)
        uplink = None if table is None else table.named.get(name)
        if uplink is None:
            raise UplinkUnknownError("exchange.uplink_unknown", name=name[:100])
        (outcome,) = await self._taken(uplink.flow.owner, [message], [iter([(uplink, named)])])
        return outcome

    async def _renew_often(self) -> None:
        """Read again what is declared: what could not be made ready is tried anew."""
        while True:
            with suppress(BeffroiError):
                await self.renew()
            await self._needs.clock.sleep(_RENEWED_S)

    async def _ready(self) -> None:
        if not self._loaded.is_set():
            await self.renew()

    async def _taken(
        self,
        actor: Actor,
        messages: Sequence[UplinkMessage],
        found: Sequence[_Places],
    ) -> Sequence[BeffroiError | None]:
        outcomes: list[BeffroiError | None] = [None] * len(messages)
        taken: list[_Taken] = []
        for place, (message, places) in enumerate(zip(messages, found, strict=True)):
            read = self._read_first(message, places)
            if isinstance(read, BeffroiError):
                outcomes[place] = read
            elif read is not None:
                taken.append(_Taken(place, message, *read))
        if any(one.reading.undecoded is not None for one in taken):
            await self._decode(taken, outcomes)
        self._map(taken, outcomes)
        await self._admit(taken, outcomes)
        await self._commit(actor, [one for one in taken if one.measures is not None], outcomes)
        return outcomes

    def _read_first(
        self, message: UplinkMessage, places: _Places
    ) -> tuple[RunningUplink, Reading] | BeffroiError | None:
        """Read a message by the first uplink of its topic whose application it is of."""
        other: tuple[RunningUplink, BeffroiError] | None = None
        for uplink, named in places:
            try:
                reading = self._read(uplink, message, named)
            except OtherApplicationError as error:
                other = other or (uplink, error)
            except Exception as error:  # noqa: BLE001 - one message fails no other
                return self._refuse(uplink, message, error)
            else:
                return None if reading is None else (uplink, reading)
        if other is not None:
            return self._refuse(other[0], message, other[1])
        return UplinkUnknownError("exchange.uplink_topic_unknown", topic=message.topic[:200])

    def _read(
        self, uplink: RunningUplink, message: UplinkMessage, named: Mapping[str, str]
    ) -> Reading | None:
        reading = uplink.reader.read(message, named)
        if uplink.flow.is_paused:
            raise UplinkPausedError("exchange.uplink_paused", name=uplink.flow.name)
        if isinstance(reading, Ignored):
            self._needs.devices.ignored(uplink.flow.key, reading.device, message.at)
            return None
        return reading

    async def _decode(self, taken: Sequence[_Taken], outcomes: list[BeffroiError | None]) -> None:
        """Have vendors' codecs decode what is left to them, each codec once for all."""
        by_codec: dict[str, list[_Taken]] = {}
        for one in taken:
            if one.reading.undecoded is not None:
                by_codec.setdefault(one.uplink.codec_text, []).append(one)
        for text, waiting in by_codec.items():
            errors = await self._decoder.decode(text, [one.reading for one in waiting])
            for one, error in zip(waiting, errors, strict=True):
                if error is not None:
                    outcomes[one.place] = self._refuse(one.uplink, one.message, error)

    def _map(self, taken: Sequence[_Taken], outcomes: list[BeffroiError | None]) -> None:
        for one in taken:
            if outcomes[one.place] is not None:
                continue
            try:
                one.measures = one.uplink.mapping.mapped(one.reading, one.message.at)
            except Exception as error:  # noqa: BLE001 - one message fails no other
                outcomes[one.place] = self._refuse(one.uplink, one.message, error)

    async def _admit(self, taken: Sequence[_Taken], outcomes: list[BeffroiError | None]) -> None:
        """Let entities in that are not known yet, as far as their uplinks may make more."""
        news: dict[RunningUplink, dict[str, list[_Taken]]] = {}
        for one in taken:
            if one.measures is not None and one.measures.id not in one.uplink.known:
                news.setdefault(one.uplink, {}).setdefault(one.measures.id, []).append(one)
        for uplink, those in news.items():
            most = uplink.declared.devices_most
            admitted = await self._let_in(uplink, list(those))
            for entity, messages in those.items():
                for one in messages:
                    one.is_new = entity in admitted
                    if not one.is_new:
                        one.measures = None
                        full = wrong_message(
                            "exchange.uplink_devices_full", entity=entity[:100], most=most
                        )
                        outcomes[one.place] = self._refuse(uplink, one.message, full)

    async def _let_in(self, uplink: RunningUplink, entities: Sequence[str]) -> set[str]:
        # In turn: the database would have them wait on a connection each.
        async with self._admitting:
            if uplink.known.issuperset(entities):
                return set(entities)
            most = uplink.declared.devices_most
            async with self._needs.database.transaction(EVERYTHING) as connection:
                admitted = await device_store.admit(connection, uplink.flow.key, entities, most)
            uplink.known |= admitted
            return admitted

    async def _release(self, refused: Sequence[_Taken]) -> None:
        """Give the places of entities back that could not be made."""
        unmade: dict[RunningUplink, list[str]] = {}
        for one in refused:
            if one.is_new and one.measures is not None:
                one.uplink.known.discard(one.measures.id)
                unmade.setdefault(one.uplink, []).append(one.measures.id)
        for uplink, ids in unmade.items():
            # A place that is not given back is one device less; the messages are committed.
            with suppress(BeffroiError):
                async with self._needs.database.transaction(EVERYTHING) as connection:
                    await device_store.release(connection, uplink.flow.key, uplink.flow.tenant, ids)

    async def _commit(
        self, actor: Actor, taken: Sequence[_Taken], outcomes: list[BeffroiError | None]
    ) -> None:
        by_tenant: dict[str, list[_Taken]] = {}
        for one in taken:
            by_tenant.setdefault(one.uplink.flow.tenant, []).append(one)
        for tenant, those in by_tenant.items():
            told = [one.measures for one in those if one.measures is not None]
            committed = await self._needs.measuring.committed(actor, tenant, told)
            carried: dict[RunningUplink, list[_Taken]] = {}
            refused: list[_Taken] = []
            for one, error in zip(those, committed, strict=True):
                if error is not None:
                    refused.append(one)
                    outcomes[one.place] = self._refuse(one.uplink, one.message, error)
                else:
                    carried.setdefault(one.uplink, []).append(one)
            await self._release(refused)
            for uplink, items in carried.items():
                self._note(uplink, items)

    def _note(self, uplink: RunningUplink, items: Sequence[_Taken]) -> None:
        key, devices = uplink.flow.key, self._needs.devices
        for one in items:
            if one.measures is not None:
                devices.heard(key, one.reading, one.measures.id, one.message.at)
        newest = max(one.measures.at for one in items if one.measures is not None)
        self._needs.journal.carried(*key, len(items), newest)

    def _refuse(
        self, uplink: RunningUplink, message: UplinkMessage, error: Exception
    ) -> BeffroiError:
        told = excerpt_of(message.payload)
        if not isinstance(error, BeffroiError):
            _logger.error("BUG in uplink name=%s", uplink.flow.name, exc_info=error)
            error = FailedError("exchange.flow_bug", name=uplink.flow.name)
        self._needs.journal.refused(*uplink.flow.key, error, told=told)
        return error

    async def _running(self, flow: HeldFlow) -> RunningUplink | None:
        """Make ready what a flow declares; one that cannot be is told in its state."""
        try:
            running = await RunningUplink.of(flow, self._needs.contexts)
            async with self._needs.database.transaction(EVERYTHING) as connection:
                running.known |= await device_store.entities_of(connection, *flow.key)
        except BeffroiError as error:
            self._needs.journal.failed(*flow.key, error)
            return None
        except Exception:
            # One that cannot be made ready stops no other.
            _logger.exception("BUG in uplink name=%s", flow.name)
            bug = FailedError("exchange.flow_bug", name=flow.name)
            self._needs.journal.failed(*flow.key, bug)
            return None
        return running
