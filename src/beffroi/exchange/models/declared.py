"""What an owner declares of the entities of a type: the section ``models`` of the file."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.territory.formats import FilePath


class Mode(StrEnum):
    """What becomes of a write that does not fit."""

    WARN = "warn"
    REFUSE = "refuse"


class _Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every noun of the section has in common."""


class Bounds(_Declared, frozen=True, kw_only=True):
    """What a number may be."""

    minimum: Annotated[float | None, Meta(description="The least that is plausible.")] = None
    maximum: Annotated[float | None, Meta(description="The most that is plausible.")] = None

    def hold(self, value: float) -> bool:
        """Tell whether a number is within them."""
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


class DeclaredModel(_Declared, frozen=True, kw_only=True):
    """What entities of a type should look like."""

    model: Annotated[
        str,
        Meta(
            max_length=100,
            description="Name of a Smart Data Model, as `beffroi exchange models` lists them.",
        ),
    ] = ""
    schema: Annotated[
        FilePath | None,
        Meta(description="JSON Schema of entities in simplified form, beside the declaring file."),
    ] = None
    mode: Annotated[
        Mode, Meta(description="`warn` counts writes that do not fit, `refuse` answers 400.")
    ] = Mode.WARN
    tenant: Annotated[
        str, Meta(max_length=128, description="Tenant of the entities; none: the default one.")
    ] = ""
    expected: Annotated[
        tuple[str, ...],
        Meta(
            max_length=200,
            description="Attributes that each should have; none: those the model requires.",
        ),
    ] = ()
    bounds: Annotated[
        Mapping[str, Bounds], Meta(description="What numbers may be, by the name of the attribute.")
    ] = {}
    period_s: Annotated[
        int, Meta(ge=0, le=31_536_000, description="How often each is measured; 0: as seen, s.")
    ] = 0
