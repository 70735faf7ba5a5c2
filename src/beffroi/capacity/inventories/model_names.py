"""Names for models of host, where machines of one make differ in size."""

from collections.abc import Sequence

import msgspec

from beffroi.capacity.model import HostModel


def named_models(seen: Sequence[HostModel]) -> tuple[HostModel, ...]:
    """Give each model of another content a name of its own, the same content the same one.

    Args:
        seen: The model of each host, named after its make; no name: after its size.

    Returns:
        The models in the same order; where a make comes in several sizes, or the same size with
        other figures, names tell them apart.
    """
    by_make: dict[str, list[HostModel]] = {}
    for model in seen:
        contents = by_make.setdefault(model.name, [])
        if model not in contents:
            contents.append(model)
    return tuple(_named(model, by_make[model.name]) for model in seen)


def _named(model: HostModel, contents: Sequence[HostModel]) -> HostModel:
    size = _size(model)
    if not model.name:
        same = [one for one in contents if _size(one) == size]
        name = size
    elif len(contents) == 1:
        return model
    else:
        same = [one for one in contents if _size(one) == size]
        name = f"{model.name} ({size})"
    number = f" #{same.index(model) + 1}" if len(same) > 1 else ""
    return msgspec.structs.replace(model, name=name + number)


def _size(model: HostModel) -> str:
    cores = model.amounts.cpu_milli / 1000
    return f"{cores:g} c, {model.amounts.memory_mib / 1024:.0f} GiB"
