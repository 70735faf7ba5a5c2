"""Power of a server as its management controller tells it, by DMTF's Redfish.

Source: DMTF DSP0268, Redfish Data Model Specification: EnvironmentMetrics (``PowerWatts``), Power
(``PowerControl``/``PowerConsumedWatts``, deprecated and what most controllers have) and
PowerSupplyMetrics (``InputPowerWatts``).
"""

import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

import httpx
import msgspec

from beffroi.energy.ports import Coverage, MeterCapabilities
from beffroi.kernel.errors import InvalidInputError, UnavailableError
from beffroi.kernel.secrets import Secret

_ANSWER_WITHIN_S: Final = 8.0
AnswerT = TypeVar("AnswerT")
_CHASSIS: Final = "/redfish/v1/Chassis"


class RedfishAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How a management controller is reached.

    Attributes:
        url: ``https://`` and its name or address.
        certificate: File of the certificate, or of the authority, that it shows; empty: one that
            the machine trusts.
        chassis: Identifier of the chassis whose power counts; empty: the only one that tells it.
    """

    url: str
    user: str
    password: Secret
    certificate: Path | None = None
    chassis: str = ""


class _Linked(msgspec.Struct, frozen=True):
    path: str = msgspec.field(name="@odata.id")


class _Collection(msgspec.Struct, frozen=True):
    members: tuple[_Linked, ...] = msgspec.field(name="Members", default=())


class _Chassis(msgspec.Struct, frozen=True):
    identifier: str = msgspec.field(name="Id", default="")
    metrics: _Linked | None = msgspec.field(name="EnvironmentMetrics", default=None)
    power: _Linked | None = msgspec.field(name="Power", default=None)
    subsystem: _Linked | None = msgspec.field(name="PowerSubsystem", default=None)


class _Sensor(msgspec.Struct, frozen=True):
    reading: float | None = msgspec.field(name="Reading", default=None)


class _EnvironmentMetrics(msgspec.Struct, frozen=True):
    power: _Sensor | None = msgspec.field(name="PowerWatts", default=None)


class _PowerControl(msgspec.Struct, frozen=True):
    consumed: float | None = msgspec.field(name="PowerConsumedWatts", default=None)


class _Power(msgspec.Struct, frozen=True):
    control: tuple[_PowerControl, ...] = msgspec.field(name="PowerControl", default=())


class _PowerSubsystem(msgspec.Struct, frozen=True):
    supplies: _Linked | None = msgspec.field(name="PowerSupplies", default=None)


class _PowerSupply(msgspec.Struct, frozen=True):
    metrics: _Linked | None = msgspec.field(name="Metrics", default=None)


class _SupplyMetrics(msgspec.Struct, frozen=True):
    power: _Sensor | None = msgspec.field(name="InputPowerWatts", default=None)


class RedfishPower:
    """One server's controller; certificates are always checked."""

    # ENERGY STAR Computer Servers 3.0 asks for input power within 5 % of what it is.
    capabilities = MeterCapabilities("Redfish", Coverage.MACHINE, accuracy=0.05)

    def __init__(self, access: RedfishAccess) -> None:
        self._access = access
        context = ssl.create_default_context(
            cafile=str(access.certificate) if access.certificate else None
        )
        self._client = httpx.AsyncClient(
            base_url=access.url,
            auth=(access.user, access.password.reveal()),
            verify=context,
            timeout=_ANSWER_WITHIN_S,
            follow_redirects=False,
        )
        self._chassis: _Chassis | None = None

    async def watts(self) -> float:
        """Ask for the power.

        Raises:
            UnavailableError: The controller does not answer, refuses, or tells no power.
            InvalidInputError: Several chassis tell power and none was chosen.
        """
        if self._chassis is None:
            self._chassis, watts = await self._found_chassis()
            return watts
        found = await self._told_watts(self._chassis)
        if found is None:
            raise UnavailableError("energy.redfish_no_power", url=self._access.url)
        return found

    async def close(self) -> None:
        """Let go of the connection."""
        await self._client.aclose()

    async def _found_chassis(self) -> tuple[_Chassis, float]:
        telling = []
        for member in (await self._get(_CHASSIS, _Collection)).members:
            chassis = await self._get(member.path, _Chassis)
            if self._access.chassis in {"", chassis.identifier}:
                watts = await self._told_watts(chassis)
                if watts is not None:
                    telling.append((chassis, watts))
        if not telling:
            raise UnavailableError("energy.redfish_no_power", url=self._access.url)
        if len(telling) > 1:
            names = ", ".join(chassis.identifier for chassis, _ in telling)
            raise InvalidInputError(
                "energy.redfish_chassis_unclear", url=self._access.url, chassis=names
            )
        return telling[0]

    async def _told_watts(self, chassis: _Chassis) -> float | None:
        if chassis.metrics is not None:
            metrics = await self._get(chassis.metrics.path, _EnvironmentMetrics)
            if metrics.power is not None and metrics.power.reading is not None:
                return metrics.power.reading
        if chassis.power is not None:
            power = await self._get(chassis.power.path, _Power)
            # The first one is the chassis; those that follow are parts of it.
            for control in power.control:
                if control.consumed is not None:
                    return control.consumed
        if chassis.subsystem is not None:
            return await self._supplied_watts(chassis.subsystem.path)
        return None

    async def _supplied_watts(self, path: str) -> float | None:
        subsystem = await self._get(path, _PowerSubsystem)
        if subsystem.supplies is None:
            return None
        told: list[float] = []
        for member in await self._members(subsystem.supplies.path):
            supply = await self._get(member.path, _PowerSupply)
            if supply.metrics is not None:
                metrics = await self._get(supply.metrics.path, _SupplyMetrics)
                if metrics.power is not None and metrics.power.reading is not None:
                    told.append(metrics.power.reading)
        return sum(told) if told else None

    async def _members(self, path: str) -> Sequence[_Linked]:
        return (await self._get(path, _Collection)).members

    async def _get(self, path: str, kind: type[AnswerT]) -> AnswerT:
        if not path.startswith("/"):
            raise UnavailableError("energy.redfish_answer_unclear", url=self._access.url, path=path)
        try:
            answer = await self._client.get(path, headers={"Accept": "application/json"})
            answer.raise_for_status()
            return msgspec.json.decode(answer.content, type=kind)
        except httpx.HTTPStatusError as error:
            raise UnavailableError(
                "energy.redfish_refused",
                url=self._access.url,
                path=path,
                status=error.response.status_code,
            ) from error
        except httpx.HTTPError as error:
            raise UnavailableError(
                "energy.redfish_silent", url=self._access.url, why=str(error)
            ) from error
        except msgspec.DecodeError as error:
            raise UnavailableError(
                "energy.redfish_answer_unclear", url=self._access.url, path=path
            ) from error
