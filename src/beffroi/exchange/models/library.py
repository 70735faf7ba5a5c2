"""The Smart Data Models that the package brings: their schemas, and the terms of their domains.

Source: smartdatamodels.org, CC BY 4.0; ``shipped/ATTRIBUTION.md`` tells what was taken.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

SHIPPED: Final = Path(__file__).parent / "shipped"
SCHEMAS: Final = SHIPPED / "schemas"
CONTEXTS: Final = SHIPPED / "contexts"
_PUBLISHED: Final = (
    "https://raw.githubusercontent.com/smart-data-models/{repository}/master/context.jsonld"
)
_PAGE: Final = "https://github.com/smart-data-models/dataModel.{domain}/tree/master/{name}"


class ShippedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the Smart Data Models.

    Attributes:
        domain: The part of its repository's name after "dataModel.".
        schema: A JSON Schema of entities in simplified form.
    """

    name: str
    domain: str
    version: str
    schema: dict[str, Any]

    @property
    def page(self) -> str:
        """Return where the model is explained."""
        return _PAGE.format(domain=self.domain, name=self.name)


@cache
def shipped_names() -> Sequence[str]:
    """Return the names of the models, sorted."""
    return sorted(path.stem for path in SCHEMAS.glob("*.json"))


@cache
def shipped_model(name: str) -> ShippedModel | None:
    """Return a model by its name."""
    return _read(name) if name in shipped_names() else None


@cache
def terms_of(domain: str) -> Mapping[str, str]:
    """Return what the names of a domain stand for, in full, by name."""
    text = (CONTEXTS / f"dataModel.{domain}.jsonld").read_bytes()
    return msgspec.json.decode(text, type=dict[str, dict[str, str]])["@context"]


def shipped_models() -> Sequence[ShippedModel]:
    """Return all models by name."""
    return [_read(name) for name in shipped_names()]


def shipped_contexts() -> Mapping[str, Path]:
    """Return which file stands for the address of each domain's @context."""
    return {_PUBLISHED.format(repository=path.stem): path for path in CONTEXTS.glob("*.jsonld")}


def _read(name: str) -> ShippedModel:
    return msgspec.json.decode((SCHEMAS / f"{name}.json").read_bytes(), type=ShippedModel)
