"""An SNMP agent, as a power distribution unit has: one value, asked by v2c or v3."""

from typing import Any

from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity import config, engine
from pysnmp.entity.rfc3413 import cmdrsp, context
from pysnmp.proto.api import v2c

from beffroi.energy.drivers.snmp import SnmpUser

OID = (1, 3, 6, 1, 4, 1, 318, 1, 1, 26, 4, 3, 1, 5, 1)
COMMUNITY = "household"


class SnmpAgent:
    """Answers on a port of this machine until it is stopped."""

    def __init__(self, port: int, user: SnmpUser | None = None) -> None:
        self.shown: Any = v2c.Integer32(0)
        self._engine = engine.SnmpEngine()
        config.add_transport(
            self._engine,
            udp.DOMAIN_NAME,
            udp.UdpAsyncioTransport().open_server_mode(("127.0.0.1", port)),
        )
        if user is None:
            config.add_v1_system(self._engine, "area", COMMUNITY)
            config.add_vacm_user(self._engine, 2, "area", "noAuthNoPriv", (1, 3, 6))
        else:
            config.add_v3_user(
                self._engine,
                user.name,
                config.USM_AUTH_HMAC192_SHA256,
                user.authentication.reveal(),
                config.USM_PRIV_CFB128_AES,
                user.privacy.reveal(),
            )
            config.add_vacm_user(self._engine, 3, user.name, "authPriv", (1, 3, 6))
        shown = context.SnmpContext(self._engine)
        shown.unregister_context_name(v2c.OctetString(""))
        shown.register_context_name(v2c.OctetString(""), self)
        cmdrsp.GetCommandResponder(self._engine, shown)

    def read_variables(self, *names: Any, **_: Any) -> list[tuple[Any, Any]]:
        """Answer as an instrumentation of pysnmp does."""
        return [
            (name, self.shown if tuple(name) == OID else v2c.NoSuchObject()) for name, _ in names
        ]

    def stop(self) -> None:
        self._engine.close_dispatcher()
