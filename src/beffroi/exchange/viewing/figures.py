"""Values and their course as people read them; pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.representation.excerpts import excerpt
from beffroi.exchange.viewing.store import Point
from beffroi.kernel.catalogue import Language

PLOT_WIDTH: Final = 300
PLOT_HEIGHT: Final = 100
_PLOTS_MOST: Final = 4
_POINTS_LEAST: Final = 2
_TARGETS_MOST: Final = 5
_MEMBERS_MOST: Final = 4
_UNBREAKABLE: Final = "\N{NO-BREAK SPACE}"
_NAME: Final = "name"
_NO_LANGUAGE: Final = "@none"
_PARTS: Final = re.compile(r"[:/#]")
_GROUPED_FROM: Final = 10_000
# UN/ECE Recommendation 20, codes that smart data models use most; others are shown as they are.
_UNITS: Final = {
    "CEL": "°C",
    "P1": "%",
    "GQ": "µg/m³",
    "KWH": "kWh",
    "WTT": "W",
    "KWT": "kW",
    "MTR": "m",
    "KMT": "km",
    "KMH": "km/h",
    "MTS": "m/s",
    "MMT": "mm",
    "2N": "dB",
    "59": "ppm",
    "A97": "hPa",
    "KGM": "kg",
    "GRM": "g",
    "LTR": "l",
    "MTQ": "m³",
    "MTK": "m²",
    "MQS": "m³/s",
    "MQH": "m³/h",
    "SEC": "s",
    "MIN": "min",
    "HUR": "h",
    "C26": "ms",
    "PAL": "Pa",
    "BAR": "bar",
    "LUX": "lx",
    "VLT": "V",
    "AMP": "A",
    "HTZ": "Hz",
    "DD": "°",
    "Q30": "pH",
    "GP": "mg/m³",
    "CMT": "cm",
    "FAH": "°F",
}


class Target(msgspec.Struct, frozen=True):
    """What a relationship leads to.

    Attributes:
        heading: What people call it.
    """

    id: str
    heading: str
    address: str


class ToldAttribute(msgspec.Struct, frozen=True):
    """An instance of an attribute for a table.

    Attributes:
        dataset: Which instance; "" for the default one.
        value: With its unit; "" where there are targets.
        members: Attributes of the attribute, name by name.
    """

    iri: Iri
    name: str
    dataset: str
    value: str
    targets: tuple[Target, ...]
    observed_at: datetime | None
    modified_at: datetime | None
    members: tuple[tuple[Iri, str, str], ...]


class Plot(msgspec.Struct, frozen=True):
    """The course of a number.

    Attributes:
        path: In a space of 300 by 100.
    """

    iri: Iri
    name: str
    path: str
    count: int
    since: datetime
    until: datetime
    least: str
    most: str
    latest: str


class Addresses:
    """Where the pages of one tenant are.

    Args:
        tenant: Carried by every address; "" is left out.
    """

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant

    def of(self, path: str, **asked: object) -> str:
        """Return a page's address; what is empty is not asked."""
        given = {**asked, "tenant": self._tenant}
        query = urlencode(
            {name: value for name, value in given.items() if value not in ("", None)}, safe=",:"
        )
        return f"{path}?{query}" if query else path

    def of_type(self, iri: Iri, **asked: object) -> str:
        """Return the page of a type."""
        return self.of(f"/exchange/types/{in_path(CORE.compact(iri))}", **asked)

    def of_entity(self, entity_id: str, **asked: object) -> str:
        """Return the page of an entity."""
        return self.of(f"/exchange/entities/{in_path(entity_id)}", **asked)

    def of_live(self, entity_id: str) -> str:
        """Return where a browser is told that an entity changed."""
        return self.of(f"/exchange/entities/{in_path(entity_id)}/live")

    def of_history(self, entity_id: str, **asked: object) -> str:
        """Return the page of the history of one of its attributes."""
        return self.of(f"/exchange/entities/{in_path(entity_id)}/history", **asked)


def in_path(name: str) -> str:
    """Write a name as one segment of a path; servers unescape once, and its slashes stay."""
    return quote(name.replace("%", "%25").replace("/", "%2F"), safe=":")


def out_of_path(segment: str) -> str:
    """Read a name from a segment that the server unescaped."""
    return segment.replace("%2F", "/").replace("%25", "%")


def short(iri: Iri) -> str:
    """Shorten a name for people: the core context's, else what stands after the last slash."""
    compact = CORE.compact(iri)
    return compact.rstrip("/").replace("#", "/").rpartition("/")[2] or compact


def told_number(value: float, language: Language) -> str:
    """Write a number with the language's decimal sign, a measured one in six digits that count."""
    if isinstance(value, int):
        text = f"{value:,}" if abs(value) >= _GROUPED_FROM else str(value)
        return text.replace(",", _UNBREAKABLE) if language is Language.FR else text
    text = f"{value:.6g}"
    return text.replace(".", ",") if language is Language.FR else text


def told_unit(unit_code: str) -> str:
    """Return the sign of a unit, or its code as it is."""
    return _UNITS.get(unit_code, unit_code)


def told_quantity(value: float, unit_code: str, language: Language) -> str:
    """Write a number with its unit, where it has one."""
    number = told_number(value, language)
    unit = told_unit(unit_code)
    return f"{number}{_UNBREAKABLE}{unit}" if unit else number


def heading_of(entity: Entity, language: Language) -> str:
    """Return what people call an entity: its name where it has one, else the end of its id."""
    for iri, instances in entity.attributes.items():
        if short(iri) == _NAME and (name := _said(instances[0].value, language)):
            return excerpt(name)
    return end_of(entity.id)


def end_of(entity_id: str) -> str:
    """Return what tells an entity from others: the last part of its id, or two around a number."""
    parts = [one for one in _PARTS.split(entity_id) if one]
    return " ".join(parts[-2:] if parts[-1:] and parts[-1].isdigit() else parts[-1:]) or entity_id


def _said(value: Json, language: Language) -> str:
    """Return a text, in a language where it is there in several."""
    if isinstance(value, dict):
        value = next(
            (value[one] for one in (language.value, _NO_LANGUAGE, "en", *value) if one in value), ""
        )
    if isinstance(value, list):
        value = value[0] if value else ""
    return value.strip() if isinstance(value, str) else ""


def told_value(attribute: Attribute, language: Language) -> str:
    """Write a value with its unit, 80 characters at most."""
    value = attribute.value
    if attribute.kind is AttributeKind.GEO_PROPERTY:
        return _told_place(value, language)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return excerpt(_short_names(attribute))
    return told_quantity(value, attribute.unit_code, language)


def told_attributes(
    attributes: Mapping[Iri, Sequence[Attribute]],
    language: Language,
    addresses: Addresses,
    linked: Mapping[str, Entity],
) -> list[ToldAttribute]:
    """Tell each instance of each attribute, by name.

    Args:
        attributes: Of an entity.
        language: Of the reader.
        addresses: Of the pages.
        linked: What relationships lead to, as far as it may be seen, by id.
    """
    called = {key: heading_of(one, language) for key, one in linked.items()}
    return [
        _told_attribute(iri, one, language, lambda key: _target(key, called, addresses))
        for iri in sorted(attributes, key=short)
        for one in attributes[iri]
    ]


def plots(numbers: Mapping[Iri, Sequence[Point]], language: Language) -> list[Plot]:
    """Draw the course of numbers, four at most; one alone has none."""
    drawn = [one for one in numbers.items() if len(one[1]) >= _POINTS_LEAST]
    return [_plot(iri, points, language) for iri, points in drawn[:_PLOTS_MOST]]


def _told_attribute(
    iri: Iri, one: Attribute, language: Language, target: Callable[[str], Target]
) -> ToldAttribute:
    targets = targets_of(one)
    members = [
        (name, short(name), told_value(instances[0], language))
        for name, instances in one.members.items()
    ]
    return ToldAttribute(
        iri=iri,
        name=short(iri),
        dataset=one.dataset_id,
        value="" if targets else told_value(one, language),
        targets=tuple(map(target, targets)),
        observed_at=one.observed_at,
        modified_at=one.modified_at,
        members=tuple(members[:_MEMBERS_MOST]),
    )


def targets_of(one: Attribute) -> Sequence[str]:
    """Return the ids of what a relationship leads to, five at most."""
    if one.kind not in (AttributeKind.RELATIONSHIP, AttributeKind.LIST_RELATIONSHIP):
        return ()
    return [one.value] if isinstance(one.value, str) else list(one.value)[:_TARGETS_MOST]


def _target(key: str, called: Mapping[str, str], addresses: Addresses) -> Target:
    return Target(key, called.get(key) or end_of(key), addresses.of_entity(key))


def _short_names(attribute: Attribute) -> Json:
    if attribute.kind is AttributeKind.VOCAB_PROPERTY:
        given = [attribute.value] if isinstance(attribute.value, str) else attribute.value
        return ", ".join(short(one) for one in given)
    return attribute.value


def _told_place(geometry: Json, language: Language) -> str:
    kind = str(geometry["type"])
    if kind != "Point":
        return kind
    longitude, latitude = geometry["coordinates"][:2]
    return told_place(longitude, latitude, language)


def told_place(longitude: float, latitude: float, language: Language) -> str:
    """Write a place with the latitude first, to some metres."""
    parts = (told_number(round(one, 4), language) for one in (latitude, longitude))
    return (" ; " if language is Language.FR else ", ").join(parts)


def _plot(iri: Iri, points: Sequence[Point], language: Language) -> Plot:
    since, until = points[0][0], points[-1][0]
    values = [value for _, value in points]
    least, most = min(values), max(values)
    duration_s = (until - since).total_seconds() or 1.0
    span = (most - least) or 1.0
    spots = (
        (
            round((at - since).total_seconds() / duration_s * PLOT_WIDTH),
            round((most - value) / span * (PLOT_HEIGHT - 4)) + 2,
        )
        for at, value in points
    )
    return Plot(
        iri=iri,
        name=short(iri),
        path="M" + "L".join(f"{x} {y}" for x, y in spots),
        count=len(points),
        since=since,
        until=until,
        least=told_number(least, language),
        most=told_number(most, language),
        latest=told_number(values[-1], language),
    )
