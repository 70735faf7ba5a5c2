"""Where an application's files come from."""

from beffroi.hosting.drivers.sources.archive import ArchiveSource
from beffroi.hosting.drivers.sources.folder import FolderSource
from beffroi.hosting.drivers.sources.git import GitSource
from beffroi.hosting.ports import SourceDriver
from beffroi.territory.model import Source

SOURCES: dict[str, SourceDriver] = {
    "folder": FolderSource(),
    "archive": ArchiveSource(),
    "git": GitSource(),
}


def driver_of(source: Source) -> SourceDriver:
    """Return the driver of the one place that a source names."""
    return next(driver for kind, driver in SOURCES.items() if getattr(source, kind))
