"""Secrets that lie in files of their own, outside of the territory file."""

from pathlib import Path

from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.secrets import Secret


def secret_in(path: str) -> Secret:
    """Read a secret; blanks around it do not count.

    Raises:
        InvalidInputError: The file cannot be read, or holds none.
    """
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError("energy.secret_file_unreadable", path=path) from error
    if not found:
        raise InvalidInputError("energy.secret_file_unreadable", path=path)
    return Secret(found)


def certificate_in(path: str) -> Path | None:
    """Return where a certificate lies; nothing where none was declared.

    Raises:
        InvalidInputError: There is no such file.
    """
    if not path:
        return None
    if not Path(path).is_file():
        raise InvalidInputError("energy.certificate_unusable", path=path)
    return Path(path)
