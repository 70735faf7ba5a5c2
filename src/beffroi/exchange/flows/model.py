"""The nouns of flows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.exchange.model import Json
from beffroi.kernel.catalogue import Language, sentence
from beffroi.kernel.errors import BeffroiError
from beffroi.kernel.rights.model import Actor, Role

FLOW_ACCOUNT: Final = "flow "
"""What the names of the accounts begin with that flows write as."""

FLOW_CHANGED: Final = "exchange.flow_changed"
"""Kind of the events that tell of a flow that was declared, changed, paused, ended."""
FLOW_SECTIONS: Final = ("feeds", "uplinks", "brokers", "connectors")
"""Of a file of declarations; a name is one flow's in all of them."""
COMPANION_MOST_BYTES: Final = 256 * 1024


class Direction(StrEnum):
    """Which way a flow carries."""

    IN = "in"
    OUT = "out"


class PlannedFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow as a file declares it.

    Attributes:
        kind: Which driver carries it: "poll", "webhook", "table"...
        declared: Its entry of the section, in JSON.
        companions: Files beside the declaration that it needs: codecs, schemas.
    """

    name: str
    direction: Direction
    kind: str
    declared: bytes
    companions: tuple[str, ...] = ()
    tenant: str = ""


class HeldFlow(msgspec.Struct, frozen=True, kw_only=True):
    """A flow as the platform keeps it.

    Attributes:
        source: The name of the file that declares it.
        declared: Its entry of the section, in JSON.
        files: What its companions hold, by their names.
    """

    organisation: str
    name: str
    tenant: str
    source: str
    direction: Direction
    kind: str
    declared: bytes
    files: Mapping[str, bytes]
    is_paused: bool
    changed_at: datetime

    @property
    def owner(self) -> Actor:
        """Return the one in whose name it reads and writes."""
        role = Role.PARTNER if self.organisation else Role.OPERATOR
        return Actor(f"{FLOW_ACCOUNT}{self.name}", role, self.organisation)

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells it from all others."""
        return self.organisation, self.name


class ToldError(msgspec.Struct, frozen=True):
    """An error as it is kept, to be told in any language."""

    code: str
    values: Mapping[str, Json]
    at: datetime | None = None

    @classmethod
    def of(cls, error: BeffroiError, at: datetime | None = None) -> "ToldError":
        """Keep an error; values that JSON has no word for become texts, and texts can be kept."""
        plain = msgspec.json.decode(msgspec.json.encode(error.values, enc_hook=str))
        return cls(error.code, {name: _storable(value) for name, value in plain.items()}, at)

    def message(self, language: Language) -> str:
        """Say what happened."""
        return self._told(language, "message")

    def remedy(self, language: Language) -> str:
        """Say what to do next."""
        return self._told(language, "remedy")

    def _told(self, language: Language, part: str) -> str:
        package, _, name = self.code.partition(".")
        return sentence(language, f"{package}.errors.{name}.{part}", **self.values)


def _storable(value: Json) -> Json:
    """Replace NUL, which PostgreSQL cannot keep and strangers may send."""
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case list():
            return [_storable(one) for one in value]
        case dict():
            return {name.replace("\0", "\ufffd"): _storable(one) for name, one in value.items()}
    return value


class FlowHealth(StrEnum):
    """How a flow fares, in one word."""

    PAUSED = "paused"
    FAILING = "failing"
    CARRIES = "carries"
    WAITS = "waits"


class FlowState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a flow came.

    Attributes:
        lag_s: Age of the oldest change that an outgoing flow has not carried yet; of an incoming
            one, how old its last measure was when it came.
    """

    position: Json = None
    carried: int = 0
    refused: int = 0
    last_carried_at: datetime | None = None
    last_observed_at: datetime | None = None
    failing_since: datetime | None = None
    last_error: ToldError | None = None
    lag_s: float | None = None


class FlowMinute(msgspec.Struct, frozen=True):
    """What a flow carried in a minute."""

    minute: datetime
    carried: int
    refused: int


class RefusedItem(msgspec.Struct, frozen=True):
    """Something that a flow could not carry.

    Attributes:
        told: An excerpt of it.
        can_be_sent_again: It is kept whole.
    """

    number: int
    at: datetime
    error: ToldError
    told: str
    can_be_sent_again: bool


class FlowSummary(msgspec.Struct, frozen=True):
    """A flow with how it fares.

    Attributes:
        minutes: Of the last hours; minutes in which nothing happened are left out.
    """

    flow: HeldFlow
    state: FlowState
    minutes: Sequence[FlowMinute] = ()

    @property
    def health(self) -> FlowHealth:
        """Tell in one word."""
        if self.flow.is_paused:
            return FlowHealth.PAUSED
        only_refused = bool(self.state.refused and not self.state.carried)
        if self.state.failing_since is not None or only_refused:
            return FlowHealth.FAILING
        return FlowHealth.CARRIES if self.state.carried else FlowHealth.WAITS


class ChangeKind(StrEnum):
    """What applying a file does to an entry of it."""

    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"


class DeclarationChange(msgspec.Struct, frozen=True):
    """What applying a file does to one entry.

    Attributes:
        noun: What it is: "flow", "treatment", "policy".
        fields: Paths in the entry that differ, where it changes.
    """

    kind: ChangeKind
    noun: str
    name: str
    fields: tuple[str, ...] = ()
