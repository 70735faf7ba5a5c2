"""Measures that come after newer ones: they join the history, once."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from beffroi.exchange.feeds.spool import SpooledRow
from beffroi.exchange.representation.instants import written_instant

NO_ATTRIBUTES: Final = frozenset({"id", "type", "@context"})
_DOOR: Final = "/ngsi-ld/v1/temporal"
_JSON, _LD_JSON = "application/json", "application/ld+json"
_ANSWER_MOST: Final = 10_000
"""Values that the door gives at most in one answer: one that has so many may lack some."""
_NEXT: Final = timedelta(microseconds=1)
_Mark = tuple[str, str, datetime]


class AskedPlatform(Protocol):
    """Whom entities are sent to."""

    def ask(
        self,
        method: str,
        path: str,
        kind: Any,  # noqa: ANN401 - a type, as msgspec takes it
        body: object = None,
        *,
        media_type: str = _JSON,
    ) -> Any:  # noqa: ANN401 - a value of that type
        """Send one request and read its answer."""
        ...


def media_type_of(rows: Sequence[SpooledRow]) -> str:
    """Return the media type that a request for rows has to name."""
    return _LD_JSON if "@context" in rows[0].document else _JSON


def observed_at(attribute: Mapping[str, Any]) -> datetime:
    """Return when an attribute was observed."""
    return datetime.fromisoformat(attribute["observedAt"])


def late_part(document: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what of a row is older than what the platform has; nothing where nothing is."""
    late = {
        name: value
        for name, value in document.items()
        if name not in NO_ATTRIBUTES
        and "observedAt" in value
        and "observedAt" in held.get(name, {})
        and observed_at(value) < observed_at(held[name])
    }
    if not late:
        return None
    return {name: document[name] for name in NO_ATTRIBUTES & document.keys()} | late


def record_late(rows: Sequence[SpooledRow], platform: AskedPlatform) -> int:
    """Add to history what it lacks of rows; return of how many rows it lacked something."""
    held = _held(rows, platform)
    lacking: dict[str, list[Mapping[str, Any]]] = {}
    count = 0
    for row in rows:
        news = {
            name: value
            for name, value in _attributes(row).items()
            if (row.id, name, observed_at(value)) not in held
        }
        if news:
            count += 1
            lacking.setdefault(row.id, []).append(news)
    first = {row.id: row.document for row in reversed(rows)}
    for entity_id, found in lacking.items():
        told = first[entity_id]
        document: dict[str, Any] = {name: told[name] for name in NO_ATTRIBUTES & told.keys()}
        for one in found:
            for name, value in one.items():
                document.setdefault(name, []).append(value)
        media_type = media_type_of(rows)
        platform.ask("POST", f"{_DOOR}/entities", None, document, media_type=media_type)
    return count


def _held(rows: Sequence[SpooledRow], platform: AskedPlatform) -> set[_Mark]:
    """Return what history has at the times of rows, by entity and name."""
    times = sorted({observed_at(value) for row in rows for value in _attributes(row).values()})
    names = sorted({name for row in rows for name in _attributes(row)})
    query: dict[str, Any] = {
        "type": "Query",
        "entities": [
            {"id": one, "type": rows[0].document["type"]}
            for one in dict.fromkeys(row.id for row in rows)
        ],
        "attrs": names,
        "temporalQ": {
            "timerel": "between",
            "timeAt": written_instant(times[0]),
            "endTimeAt": written_instant(times[-1] + _NEXT),
        },
    }
    if "@context" in rows[0].document:
        query["@context"] = rows[0].document["@context"]
    found = platform.ask(
        "POST",
        f"{_DOOR}/entityOperations/query?options=temporalValues&limit={len(rows)}",
        list[dict[str, Any]],
        query,
        media_type=media_type_of(rows),
    )
    marks = {mark for one in found for name in names for mark in _marks(one, name)}
    if len(marks) < _ANSWER_MOST or len(times) == 1:
        return marks
    middle = len(rows) // 2
    return _held(rows[:middle], platform) | _held(rows[middle:], platform)


def _marks(found: Mapping[str, Any], name: str) -> list[_Mark]:
    groups = found.get(name, [])
    return [
        (found["id"], name, datetime.fromisoformat(at))
        for group in (groups if isinstance(groups, list) else [groups])
        for values in group.values()
        if isinstance(values, list)
        for _, at in values
    ]


def _attributes(row: SpooledRow) -> dict[str, Any]:
    return {name: one for name, one in row.document.items() if name not in NO_ATTRIBUTES}
