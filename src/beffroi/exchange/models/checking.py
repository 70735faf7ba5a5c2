"""What is wrong with declarations of models, at its place in the file."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from beffroi.exchange.models.declared import DeclaredModel
from beffroi.exchange.models.library import shipped_model, shipped_names
from beffroi.exchange.models.rules import model_of
from beffroi.kernel.errors import InvalidInputError
from beffroi.territory.findings import Mistake
from beffroi.territory.shape import nearest


def mistakes(models: Mapping[str, DeclaredModel], folder: Path) -> Iterator[Mistake]:
    """Tell what is wrong with the section ``models``.

    Args:
        models: By the type of entities.
        folder: Of the file that declares them.
    """
    for name, one in models.items():
        path = ("models", name)
        if one.model and one.schema is not None:
            yield Mistake("exchange.model_and_schema", path, {"type": name}, at_key=True)
        elif one.model and shipped_model(one.model) is None:
            told = {"name": one.model, "nearest": nearest(one.model, shipped_names())}
            yield Mistake("exchange.model_unknown", (*path, "model"), told)
        elif one.schema is not None:
            yield from _schema_mistakes(one, (*path, "schema"), folder)
        for attribute, bounds in one.bounds.items():
            low, high = bounds.minimum, bounds.maximum
            if low is not None and high is not None and low > high:
                values = {"attribute": attribute, "minimum": low, "maximum": high}
                yield Mistake("exchange.model_bounds_crossed", (*path, "bounds", attribute), values)


def _schema_mistakes(one: DeclaredModel, path: tuple[str, ...], folder: Path) -> Iterator[Mistake]:
    file = folder / str(one.schema)
    try:
        model_of(str(one.schema), file.read_bytes())
    except OSError as error:
        yield Mistake(
            "exchange.model_schema_absent", path, {"file": file, "reason": error.strerror}
        )
    except InvalidInputError as error:
        yield Mistake(error.code, path, dict(error.values))
