"""Where commands write what they find: tried before the work, so that nothing is found in vain."""

from pathlib import Path
from tempfile import TemporaryFile

from beffroi.kernel.errors import InvalidInputError


def folder_for_results(path: Path) -> Path:
    """Make the folder where it is missing, and see that files can be written there.

    Raises:
        InvalidInputError: It is a file, or nothing can be written there.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise InvalidInputError("kernel.results_folder_unusable", folder=str(path)) from error
