"""Load on the door by wrk: each request has ids of its own."""

import re
import tempfile
from pathlib import Path
from typing import Final

import msgspec

from beffroi.kernel.processes.commands import run_command
from bench.exchange.serving import DoorProcess

CONNECTIONS: Final = 64
BATCH: Final = 100
ENTITY: Final = """\
{"id":"urn:ngsi-ld:AirQualityObserved:%s","type":"AirQualityObserved",\
"name":{"type":"Property","value":"Station rue des Capucines"},\
"temperature":{"type":"Property","value":21.5,"unitCode":"CEL","observedAt":"2026-11-22T08:00:00Z"},\
"humidity":{"type":"Property","value":63,"unitCode":"P1","observedAt":"2026-11-22T08:00:00Z"},\
"no2":{"type":"Property","value":18.25,"unitCode":"GQ","observedAt":"2026-11-22T08:00:00Z"},\
"location":{"type":"GeoProperty","value":{"type":"Point","coordinates":[4.36,43.83]}},\
"refDevice":{"type":"Relationship","object":"urn:ngsi-ld:Device:capteur-12"}}"""
_CREATE: Final = """
function request()
  number = number + 1
  return wrk.format("POST", "/ngsi-ld/v1/entities", nil, string.format(entity, prefix .. number))
end
"""
_PATCH: Final = """
function request()
  number = number + 1
  local path = "/ngsi-ld/v1/entities/urn:ngsi-ld:AirQualityObserved:%s/attrs/temperature"
  local body = '{"type":"Property","value":%.2f,"unitCode":"CEL",' ..
    '"observedAt":"2026-11-22T09:%02d:%02d.%03dZ"}'
  local moment = math.floor(number / 1000)
  return wrk.format("PATCH", string.format(path, prefix .. (2 + number * 7919 % known)), nil,
    string.format(body, number % 4000 / 100, moment / 60 % 60, moment % 60, number % 1000))
end
"""
_UPSERT: Final = """
function request()
  local entities = {}
  for place = 1, batch do
    number = number + 1
    entities[place] = string.format(entity, prefix .. number)
  end
  return wrk.format("POST", "/ngsi-ld/v1/entityOperations/upsert", nil,
    "[" .. table.concat(entities, ",") .. "]")
end
"""
_HEAD: Final = """
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {token}"
number, batch, known, prefix = 0, {batch}, {known}, "{prefix}"
entity = [==[{entity}]==]
"""
REQUESTS: Final = {"create": _CREATE, "patch": _PATCH, "upsert": _UPSERT}
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Load(msgspec.Struct, frozen=True):
    """What wrk saw."""

    requests: int
    p50_ms: float
    p99_ms: float


async def loaded(
    door: DoorProcess, token: str, verb: str, prefix: str, duration_s: int, known: int = 1
) -> Load:
    """Have wrk ask as fast as it is answered.

    Args:
        door: Whom.
        token: Presented with each request.
        verb: What to ask; a key of ``REQUESTS``.
        prefix: Of the ids of entities.
        duration_s: How long.
        known: How many entities of the prefix there are, to be changed.
    """
    head = _HEAD.format(token=token, batch=BATCH, known=known, prefix=prefix, entity=ENTITY)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(head + REQUESTS[verb], encoding="utf-8")
        ended = await run_command(
            (
                *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{duration_s}s", "--latency"),
                *("--timeout", "20s", "-s", str(script), f"http://127.0.0.1:{door.port}/"),
            ),
            deadline_s=duration_s + 40,
        )
    if ended.status or "Non-2xx" in ended.output or "Socket errors" in ended.output:
        raise RuntimeError(ended.output)
    return Load(
        int(_found(r"(\d+) requests in", ended.output)),
        _milliseconds(_found(r"\n +50% +(\S+)", ended.output)),
        _milliseconds(_found(r"\n +99% +(\S+)", ended.output)),
    )


def _found(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(text)
    return found.group(1)


def _milliseconds(told: str) -> float:
    found = re.fullmatch(r"([0-9.]+)(us|ms|s)", told)
    assert found is not None, told
    return round(float(found.group(1)) * _MILLISECONDS[found.group(2)], 3)
