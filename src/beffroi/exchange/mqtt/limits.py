"""What one client, and all of them together, may take."""

import msgspec

from beffroi.kernel.units import MIB


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the door.

    Attributes:
        packet_most_bytes: Of a packet, header included; version 5 is told so.
        in_flight_most: Messages of a client that are not answered yet: version 5 is told so, of
            others no more is read.
        held_most_bytes: Of what a client sent and what is not being committed yet.
        all_held_most_bytes: Of what is being committed for all clients: beyond, none is read.
        connections_most: Of all clients.
        connect_within_s: Until the CONNECT is there.
        packet_within_s: From the first byte of a packet to its last.
        looked_at_every_s: How often all of this is looked at.
        keep_alive_most_s: Longest silence that a client of version 5 may ask for.
    """

    packet_most_bytes: int = 262_144
    in_flight_most: int = 1_000
    held_most_bytes: int = 4 * MIB
    all_held_most_bytes: int = 64 * MIB
    connections_most: int = 10_000
    connect_within_s: float = 5.0
    packet_within_s: float = 30.0
    looked_at_every_s: float = 1.0
    keep_alive_most_s: int = 3_600
