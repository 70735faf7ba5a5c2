"""Entities merged with fragments: each member alone, down into values.

Source: ETSI GS CIM 009 v1.9.1, clauses 5.5.12 and 5.6.17; RFC 7396.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from beffroi.exchange.contexts.terms import Context
from beffroi.exchange.model import Attribute, AttributeKind, Entity, Iri, Json
from beffroi.exchange.representation.changing import Changed, Draft
from beffroi.exchange.representation.fragments import AttributeFragment, EntityFragment
from beffroi.exchange.representation.geometries import is_geometry
from beffroi.exchange.representation.making import (
    Instances,
    instance_of,
    made,
    placed,
    removed,
)
from beffroi.exchange.representation.names import DEFAULT_DATASET, NULL, is_uri
from beffroi.exchange.representation.values import refuse_fields


class _Merge(msgspec.Struct, frozen=True):
    """How a fragment is merged."""

    now: datetime
    context: Context
    language: str
    observed_at: datetime | None


def merged(
    entity: Entity,
    fragment: EntityFragment,
    now: datetime,
    *,
    language: str = "",
    observed_at: datetime | None = None,
) -> Changed:
    """Set what the fragment tells, delete what it nulls, leave the rest.

    Args:
        entity: As it is now.
        fragment: What comes in.
        now: When.
        language: Of texts that come without one, for LanguageProperties; "" is none.
        observed_at: Of what comes without a time of its own, where the old value had one.

    Raises:
        BadRequestDataError: An attribute that is not there comes without its value.
    """
    merge = _Merge(now, fragment.context, language or DEFAULT_DATASET, observed_at)
    draft = Draft(entity)
    draft.add_types(fragment.types)
    if fragment.scopes is not UNSET and fragment.scopes != entity.scopes:
        draft.set_scopes(fragment.scopes)
    if fragment.expires_at is not UNSET:
        draft.expires_at = fragment.expires_at
    for iri, fragments in fragment.attributes.items():
        before = draft.attributes.get(iri, ())
        after = _merged_instances(before, fragments, merge)
        if after is not before:
            draft.put(iri, after)
    return draft.changed(now)


def _merged_instances(
    instances: Instances, fragments: tuple[AttributeFragment, ...], merge: _Merge
) -> Instances:
    for fragment in fragments:
        previous = instance_of(instances, fragment.dataset_id)
        if previous is None:
            whole = _without_nulls(fragment)
            if not fragment.deletes and not _is_wordless(whole.kind, whole.value):
                instances = placed(instances, made(whole, None, merge.now))
            continue
        after = None if fragment.deletes else _merged_attribute(previous, fragment, merge)
        if after is None:
            instances = removed(instances, fragment.dataset_id)
        elif after is not previous:
            instances = placed(instances, after)
    return instances


def _merged_attribute(
    attribute: Attribute, fragment: AttributeFragment, merge: _Merge
) -> Attribute | None:
    """Merge one instance; None is one that a merge leaves without a text."""
    if fragment.empty:
        return attribute
    if fragment.told and fragment.kind is not attribute.kind:
        return made(_without_nulls(fragment), attribute, merge.now)
    fields: dict[str, Any] = dict(fragment.fields, modified_at=merge.now)
    if merge.observed_at is not None and attribute.observed_at is not None:
        fields.setdefault("observed_at", merge.observed_at)
        fields.setdefault("observed_as", "")
    if fragment.value is not UNSET:
        given = _adapted(attribute.kind, fragment, merge)
        if given is UNSET:
            return made(_without_nulls(fragment), attribute, merge.now)
        value = _merged_value(attribute, given)
        if _is_wordless(attribute.kind, value):
            return None
        fields["value"] = value
    refuse_fields(attribute.kind, fragment.fields, fragment.name)
    if fragment.members:
        members = dict(attribute.members)
        for iri, fragments in fragment.members.items():
            members[iri] = _merged_instances(members.get(iri, ()), fragments, merge)
        fields["members"] = {iri: found for iri, found in members.items() if found}
    return replace(attribute, **fields)


def _adapted(kind: AttributeKind, fragment: AttributeFragment, merge: _Merge) -> Json:
    """Read a value as one of the kind that is there; UNSET where it cannot be one."""
    if fragment.kind is kind:
        return fragment.value
    if fragment.kind not in {AttributeKind.PROPERTY, AttributeKind.GEO_PROPERTY}:
        return UNSET
    return _ADAPTING[kind](fragment, merge)


def _as_objects(fragment: AttributeFragment, _merge: _Merge) -> Json:
    raw = fragment.raw
    several = isinstance(raw, list) and bool(raw) and all(map(is_uri, raw))
    return raw if several or is_uri(raw) else UNSET


def _as_object_list(fragment: AttributeFragment, _merge: _Merge) -> Json:
    return (
        fragment.raw if isinstance(fragment.raw, list) and all(map(is_uri, fragment.raw)) else UNSET
    )


def _as_languages(fragment: AttributeFragment, merge: _Merge) -> Json:
    raw = fragment.raw
    several = isinstance(raw, list) and bool(raw) and all(isinstance(one, str) for one in raw)
    return {merge.language: raw} if several or isinstance(raw, str) else UNSET


def _as_vocabulary(fragment: AttributeFragment, merge: _Merge) -> Json:
    raw = fragment.raw
    if isinstance(raw, list) and raw and all(isinstance(one, str) for one in raw):
        return [merge.context.expand(one) for one in raw]
    return merge.context.expand(raw) if isinstance(raw, str) and raw else UNSET


def _as_list(fragment: AttributeFragment, _merge: _Merge) -> Json:
    return fragment.raw if isinstance(fragment.raw, list) else UNSET


def _as_json(fragment: AttributeFragment, _merge: _Merge) -> Json:
    return fragment.raw if isinstance(fragment.raw, dict | list) else UNSET


def _as_geometry(fragment: AttributeFragment, _merge: _Merge) -> Json:
    return fragment.raw if is_geometry(fragment.raw) else UNSET


_ADAPTING: dict[AttributeKind, Callable[[AttributeFragment, _Merge], Json]] = {
    AttributeKind.PROPERTY: lambda fragment, _: fragment.value,
    AttributeKind.GEO_PROPERTY: _as_geometry,
    AttributeKind.LANGUAGE_PROPERTY: _as_languages,
    AttributeKind.VOCAB_PROPERTY: _as_vocabulary,
    AttributeKind.JSON_PROPERTY: _as_json,
    AttributeKind.LIST_PROPERTY: _as_list,
    AttributeKind.RELATIONSHIP: _as_objects,
    AttributeKind.LIST_RELATIONSHIP: _as_object_list,
}


def _is_wordless(kind: AttributeKind | None, value: Json) -> bool:
    return kind is AttributeKind.LANGUAGE_PROPERTY and value == {}


def _merged_value(attribute: Attribute, given: Json) -> Json:
    if attribute.kind in {AttributeKind.PROPERTY, AttributeKind.LANGUAGE_PROPERTY}:
        return _patched_json(attribute.value, given)
    return given


def _patched_json(value: Json, patch: Json) -> Json:
    if not isinstance(patch, dict):
        return patch
    result = dict(value) if isinstance(value, dict) else {}
    for key, one in patch.items():
        if one == NULL:
            result.pop(key, None)
        else:
            result[key] = _patched_json(result.get(key), one)
    return result


def _without_nulls(fragment: AttributeFragment) -> AttributeFragment:
    """Leave out what a fragment deletes where there is nothing to delete."""
    value = fragment.value
    if fragment.kind in {AttributeKind.PROPERTY, AttributeKind.LANGUAGE_PROPERTY}:
        value = _patched_json(None, value)
    members: dict[Iri, tuple[AttributeFragment, ...]] = {}
    for iri, instances in fragment.members.items():
        kept = tuple(_without_nulls(one) for one in instances if not one.deletes)
        if kept:
            members[iri] = kept
    return replace(fragment, value=value, members=members)
