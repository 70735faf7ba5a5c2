"""What the parts of a broker's declaration must agree on."""

from collections.abc import Iterator, Mapping

from beffroi.exchange.mqtt.address import read_address
from beffroi.exchange.mqtt.declared import Broker
from beffroi.territory.findings import KeyPath, Mistake


def mistakes(brokers: Mapping[str, Broker]) -> Iterator[Mistake]:
    """Tell what is wrong with brokers that their shape does not tell."""
    for one in brokers.values():
        yield from broker_mistakes(one, ("brokers", one.name))


def broker_mistakes(broker: Broker, path: KeyPath) -> Iterator[Mistake]:
    """Tell what is wrong with one broker."""
    try:
        address, topic = read_address(broker.url)
    except ValueError:
        yield Mistake("exchange.broker_url", (*path, "url"), {"url": broker.url})
    else:
        if topic or address.user:
            yield Mistake("exchange.broker_url", (*path, "url"), {"url": address.url})
    for place, one in enumerate(broker.topics):
        if not is_filter(one):
            yield Mistake("exchange.broker_topic", (*path, "topics", place), {"topic": one})
    if broker.secret and not broker.user:
        yield Mistake("exchange.broker_secret", (*path, "secret"), {"name": broker.name})


def is_filter(told: str) -> bool:
    """Tell whether a text is a filter of topics (MQTT 5.0, 4.7.1)."""
    levels = told.split("/")
    return "\0" not in told and all(
        (level == "+" or "+" not in level)
        and ("#" not in level or (level == "#" and place == len(levels) - 1))
        for place, level in enumerate(levels)
    )
