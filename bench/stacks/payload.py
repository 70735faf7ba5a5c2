"""The work that every application of the bench does: decode, compute, encode."""

import msgspec


class Measure(msgspec.Struct):
    """What is posted."""

    sensor: str
    litres: list[float]
    tags: dict[str, str]


class Summary(msgspec.Struct):
    """What is answered."""

    sensor: str
    count: int
    mean_litres: float
    tags: dict[str, str]


BODY = msgspec.json.encode(
    Measure("pump-7", [0.5 * step for step in range(20)], {"commune": "lomme", "kind": "flow"})
)
_decoder = msgspec.json.Decoder(Measure)
_encoder = msgspec.json.Encoder()


def summarised(measure: Measure) -> Summary:
    count = len(measure.litres)
    return Summary(measure.sensor, count, sum(measure.litres) / count, measure.tags)


def answer_to(body: bytes) -> bytes:
    """Decode a body, compute, encode the answer."""
    return _encoder.encode(summarised(_decoder.decode(body)))
