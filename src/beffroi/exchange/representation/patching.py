"""Parts of an instance changed, the rest left: the partial update of an attribute.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.8 and 5.6.4.
"""

from datetime import datetime

from msgspec import UNSET
from msgspec.structs import replace

from beffroi.exchange.errors import BadRequestDataError
from beffroi.exchange.model import Attribute, AttributeKind, Iri, Json
from beffroi.exchange.representation.fragments import AttributeFragment
from beffroi.exchange.representation.geometries import checked_geometry
from beffroi.exchange.representation.making import (
    Instances,
    instance_of,
    made,
    placed,
    removed,
)
from beffroi.exchange.representation.values import refuse_fields, refuse_nulls

_BY_VALUE = frozenset({AttributeKind.PROPERTY, AttributeKind.GEO_PROPERTY})


def patched(attribute: Attribute, fragment: AttributeFragment, now: datetime) -> Attribute:
    """Set what the fragment tells and leave the rest.

    Raises:
        BadRequestDataError: The fragment is of another kind, or has an NGSI-LD Null in its value.
    """
    fields = dict(fragment.fields, modified_at=now)
    if fragment.kind is not None and fragment.kind is not attribute.kind:
        _refuse_kind(attribute, fragment)
    refuse_fields(attribute.kind, fragment.fields, fragment.name)
    if fragment.value is not UNSET:
        fields["value"] = _fitting(attribute, fragment)
    if fragment.members:
        fields["members"] = _patched_members(attribute.members, fragment.members, now)
    return replace(attribute, **fields)


def _refuse_kind(attribute: Attribute, fragment: AttributeFragment) -> None:
    shown = not fragment.told and {fragment.kind, attribute.kind} <= _BY_VALUE
    if not shown:
        raise BadRequestDataError(
            "exchange.kind_changes", name=fragment.name, kind=attribute.kind, found=fragment.kind
        )


def _fitting(attribute: Attribute, fragment: AttributeFragment) -> Json:
    if attribute.kind is AttributeKind.GEO_PROPERTY:
        return checked_geometry(fragment.value, fragment.name)
    refuse_nulls(attribute.kind, fragment.value, fragment.name)
    return fragment.value


def _patched_members(
    members: dict[Iri, Instances],
    fragments: dict[Iri, tuple[AttributeFragment, ...]],
    now: datetime,
) -> dict[Iri, Instances]:
    result = dict(members)
    for iri, instances in fragments.items():
        for one in instances:
            found = result.get(iri, ())
            previous = instance_of(found, one.dataset_id)
            if one.deletes:
                result[iri] = removed(found, one.dataset_id)
            elif previous is not None and one.value is UNSET:
                result[iri] = placed(found, patched(previous, one, now))
            else:
                result[iri] = placed(found, made(one, previous, now))
        if not result[iri]:
            del result[iri]
    return result
