"""Sources on this machine: where they are, and whether they are there."""

from pathlib import Path

import msgspec

from beffroi.territory.findings import Mistake
from beffroi.territory.model import Application


def located_source(application: Application, folder: Path, top: Path) -> Application | Mistake:
    """Make the path of a local source absolute.

    Args:
        application: The application, its source relative to ``folder``.
        folder: Where the file that declares it is.
        top: Where the territory file is; a relative source stays inside.

    Returns:
        The application, or why its source cannot be used.
    """
    source = application.source
    key, written = ("folder", source.folder) if source.folder else ("archive", source.archive)
    if not written:
        return application
    path = ("applications", application.name, "source", key)
    found = (folder / written).resolve()
    if not Path(written).is_absolute() and not found.is_relative_to(top.resolve()):
        return Mistake("territory.source_outside", path, {"found": written, "folder": str(top)})
    if source.folder and not found.is_dir():
        return Mistake("territory.folder_missing", path, {"found": str(found)})
    if source.archive and not found.is_file():
        return Mistake("territory.archive_missing", path, {"found": str(found)})
    located = msgspec.structs.replace(source, **{key: str(found)})
    return msgspec.structs.replace(application, source=located)
