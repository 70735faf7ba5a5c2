"""The door for uplinks over MQTT."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from beffroi.exchange.api.askers import Askers
from beffroi.exchange.mqtt.admission import Admitted, Refused, actor_of, admission
from beffroi.exchange.mqtt.limits import Limits
from beffroi.exchange.mqtt.peers import Peers
from beffroi.exchange.mqtt.ports import Intake
from beffroi.exchange.mqtt.protocol import Connect, Reason
from beffroi.exchange.mqtt.seen import SeenAccount, SeenClient, accounts_of
from beffroi.exchange.mqtt.session import Session
from beffroi.kernel.clock import Clock
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_LOOPBACK: Final = "127.0.0.1"
_BACKLOG: Final = 1_024
_LOOKED_AT_AGAIN_S: Final = 60.0
_OPENED_AGAIN_S: Final = 5.0
_FINISHED_WITHIN_S: Final = 10.0


class MqttAddresses(msgspec.Struct, frozen=True, kw_only=True):
    """Where the door listens.

    Attributes:
        port: Without TLS, on loopback alone; 0: not at all.
        tls_port: On ``addresses``; 0: not at all.
        certificate: Finds the platform's own, whose key lies beside it.
    """

    port: int = 0
    tls_port: int = 0
    addresses: tuple[str, ...] = ()
    certificate: Callable[[], Awaitable[Path]] | None = None


class MqttDoor:
    """Takes messages of clients in; each is answered once it is committed.

    Args:
        askers: Knows accounts by their tokens.
        intake: Where messages go.
        clock: Dates them.
        limits: What clients of this process may take.
        peers: The other processes at the same ports; nothing: there are none.
    """

    def __init__(
        self,
        askers: Askers,
        intake: Intake,
        clock: Clock,
        limits: Limits | None = None,
        peers: Peers | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.intake = intake
        self._askers = askers
        self._clock = clock
        self._peers = peers
        self._sessions: set[Session] = set()
        self._named: dict[tuple[str, str], Session] = {}
        self._held_bytes = 0
        self.has_room = True
        self.ports: tuple[int, ...] = ()

    def clients(self) -> Sequence[SeenClient]:
        """Return the clients that are connected to this process."""
        return [
            SeenClient(
                account=one.admitted.actor.name,
                organisation=one.admitted.actor.organisation,
                client_id=one.admitted.client_id,
                version=one.version,
                connected_at=one.connected_at,
                messages=one.messages,
            )
            for one in self._sessions
            if one.admitted is not None
        ]

    async def accounts(self) -> Sequence[SeenAccount]:
        """Return the accounts of the clients that are connected, each once for each process."""
        own = accounts_of(self.clients(), self._clock.now())
        return own if self._peers is None else (*own, *await self._peers.others())

    async def run(self, addresses: MqttAddresses) -> None:
        """Listen until cancelled; then finish what was sent."""
        if not addresses.port and not addresses.tls_port:
            return
        servers: list[asyncio.Server] = []
        sweeping = asyncio.create_task(self.sweep())
        try:
            if addresses.port:
                servers.append(await self._opened((_LOOPBACK,), addresses.port))
            if addresses.tls_port and addresses.certificate is not None:
                await self._serve_encrypted(addresses, addresses.certificate, servers)
            await asyncio.Event().wait()
        finally:
            sweeping.cancel()
            await self.close(servers)

    async def open(
        self, addresses: Sequence[str], port: int, encryption: ssl.SSLContext | None = None
    ) -> asyncio.Server:
        """Listen at a port of some addresses; 0: of any."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            partial(Session, self),
            list(addresses),
            port,
            ssl=encryption,
            ssl_handshake_timeout=self.limits.connect_within_s if encryption else None,
            backlog=_BACKLOG,
            reuse_port=self._peers is not None or None,
        )
        self.ports = (*self.ports, *(one.getsockname()[1] for one in server.sockets))
        told = ",".join(f"{one.getsockname()[0]}:{one.getsockname()[1]}" for one in server.sockets)
        _logger.info("mqtt listens=%s tls=%s", told, encryption is not None)
        return server

    async def close(self, servers: Sequence[asyncio.Server]) -> None:
        """End all sessions once what they sent is committed."""
        for one in servers:
            one.close()
        sessions = list(self._sessions)
        for session in sessions:
            session.end(Reason.SHUTTING_DOWN)
        with suppress(TimeoutError):
            async with asyncio.timeout(_FINISHED_WITHIN_S):
                await asyncio.gather(*(one.finished() for one in sessions))

    def now(self) -> datetime:
        """Return the time."""
        return self._clock.now()

    async def admitted(self, wanted: Connect, session: Session) -> Admitted | Refused:
        """Decide on a client; one that has its name is sent away."""
        decided = await admission(wanted, self._askers, self.limits, self._clock.now())
        if isinstance(decided, Admitted):
            if self._peers is not None:
                try:
                    claim = await self._peers.claim(decided.actor, decided.client_id)
                except BeffroiError:
                    return Refused(Reason.UNAVAILABLE)
                decided = msgspec.structs.replace(decided, claim=claim)
            name = (decided.actor.name, decided.client_id)
            before = self._named.get(name)
            # At once: of two that come while an earlier one ends, one ends the other.
            self._named[name] = session
            if before is not None:
                before.end(Reason.TAKEN_OVER)
                await before.finished()
        return decided

    def holds(self, count_bytes: int) -> None:
        """Note what is held for a client; once it is too much, nothing is read of anybody."""
        self._held_bytes += count_bytes
        if self.has_room and self._held_bytes >= self.limits.all_held_most_bytes:
            self._set_room(has_room=False)

    def releases(self, count_bytes: int) -> None:
        """Note what is held no more; once it is half, all are read again."""
        self._held_bytes -= count_bytes
        if not self.has_room and self._held_bytes < self.limits.all_held_most_bytes / 2:
            self._set_room(has_room=True)

    def _set_room(self, *, has_room: bool) -> None:
        self.has_room = has_room
        for session in self._sessions:
            session.rule_reading()

    def came(self, session: Session) -> bool:
        """Note a session; tell whether there is a place for it."""
        if len(self._sessions) >= self.limits.connections_most:
            return False
        self._sessions.add(session)
        return True

    def left(self, session: Session) -> None:
        """Forget a session."""
        self._sessions.discard(session)
        admitted = session.admitted
        if admitted is not None:
            name = (admitted.actor.name, admitted.client_id)
            if self._named.get(name) is session:
                del self._named[name]

    async def sweep(self) -> None:
        """End those that are silent for too long, or whose token was withdrawn."""
        loop = asyncio.get_running_loop()
        looked_s = loop.time()
        while True:
            await asyncio.sleep(self.limits.looked_at_every_s)
            now_s = loop.time()
            for session in list(self._sessions):
                session.check(now_s)
            if self._peers is not None:
                await self._meet(self._peers)
            if now_s - looked_s > _LOOKED_AT_AGAIN_S:
                looked_s = now_s
                await self._look_again()

    async def _meet(self, peers: Peers) -> None:
        """End those whose name another process gave to a later one; tell who is here."""
        with suppress(BeffroiError):
            for name, claim in await peers.claims():
                session = self._named.get(name)
                held = session and session.admitted and session.admitted.claim
                if session and held and held.yields_to(claim):
                    session.end(Reason.TAKEN_OVER)
            await peers.tell(accounts_of(self.clients(), self._clock.now()))

    async def _look_again(self) -> None:
        for session in list(self._sessions):
            admitted = session.admitted
            if admitted is None:
                continue
            found = await actor_of(admitted.actor.name, admitted.token, self._askers)
            if isinstance(found, Reason):
                if found is not Reason.UNAVAILABLE:
                    session.end(Reason.NOT_AUTHORIZED)
            elif found != admitted.actor:
                session.admitted = msgspec.structs.replace(admitted, actor=found)

    async def _opened(
        self, addresses: Sequence[str], port: int, encryption: ssl.SSLContext | None = None
    ) -> asyncio.Server:
        """Listen as soon as the port is free."""
        while True:
            try:
                return await self.open(addresses, port, encryption)
            except OSError as error:
                _logger.warning("mqtt state=waiting port=%s %s", port, error)
                await asyncio.sleep(_OPENED_AGAIN_S)

    async def _serve_encrypted(
        self,
        addresses: MqttAddresses,
        certificate: Callable[[], Awaitable[Path]],
        servers: list[asyncio.Server],
    ) -> None:
        """Listen with the platform's certificate, once there is one; follow its renewals."""
        encryption = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        encryption.minimum_version = ssl.TLSVersion.TLSv1_2
        read_at = 0.0
        while True:
            with suppress(FileNotFoundError, BeffroiError):
                chain = await certificate()
                written_at = chain.stat().st_mtime
                if written_at != read_at:
                    encryption.load_cert_chain(chain, chain.with_name(f"{chain.stem}.key"))
                    if not read_at:
                        where, port = addresses.addresses, addresses.tls_port
                        servers.append(await self._opened(where, port, encryption))
                    read_at = written_at
            await asyncio.sleep(_LOOKED_AT_AGAIN_S if read_at else _OPENED_AGAIN_S)
