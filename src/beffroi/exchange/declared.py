"""What one file declares of an organisation's flows; each section is optional."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.exchange.connectors.declared import Connector
from beffroi.exchange.feeds.declared import Feed
from beffroi.exchange.governance.declared import Policy, Treatment
from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.mqtt.declared import Broker
from beffroi.exchange.uplinks.declared import Uplink


class ExchangeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``feeds.yaml``, or a file of any other name, holds."""

    feeds: Annotated[Mapping[str, Feed], Meta(description="What comes in, by name.")] = {}
    uplinks: Annotated[Mapping[str, Uplink], Meta(description="What devices send, by name.")] = {}
    brokers: Annotated[
        Mapping[str, Broker], Meta(description="The town's own brokers of MQTT, by name.")
    ] = {}
    connectors: Annotated[Mapping[str, Connector], Meta(description="What goes out, by name.")] = {}
    register: Annotated[
        Mapping[str, Treatment], Meta(description="Why types of entities are kept, by name.")
    ] = {}
    policies: Annotated[
        Mapping[str, Policy], Meta(description="Who else may see entities, by name.")
    ] = {}
    models: Annotated[
        Mapping[str, DeclaredModel], Meta(description="What entities should look like, by type.")
    ] = {}
