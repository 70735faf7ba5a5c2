"""Telling what one run wrote to a log that many runs append to."""

from pathlib import Path

import msgspec

_READ_MOST_BYTES = 256 * 1024


class OutputMark(msgspec.Struct, frozen=True):
    """The end of a log at the start of a run."""

    path: Path
    position: int

    @classmethod
    def at_end_of(cls, path: Path) -> "OutputMark":
        """Mark where the next line goes."""
        return cls(path, _size_bytes(path))

    def last_lines(self, count: int) -> list[str]:
        """Return the last lines written since, oldest first; the log may have begun anew."""
        size = _size_bytes(self.path)
        start = self.position if self.position <= size else 0
        if size == 0:
            return []
        with self.path.open("rb") as file:
            file.seek(max(start, size - _READ_MOST_BYTES))
            text = file.read(_READ_MOST_BYTES).decode(errors="replace")
        return text.splitlines()[-count:]


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
