"""Documents that the operator gives, so that nothing has to be fetched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from beffroi.kernel.errors import InvalidInputError

INDEX: Final = "index.json"


def known_documents(folder: Path) -> Mapping[str, Path]:
    """Read which file of a folder stands for which address.

    The folder holds ``index.json``: an object from addresses to names of its files.

    Raises:
        InvalidInputError: The index cannot be read, or a file of it is not there.
    """
    index = folder / INDEX
    try:
        files = msgspec.json.decode(index.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidInputError(
            "exchange.context_index_unreadable", path=index, reason=error
        ) from error
    for url, name in files.items():
        if not (folder / name).is_file():
            raise InvalidInputError("exchange.context_file_absent", path=index, url=url, name=name)
    return {url: folder / name for url, name in files.items()}
