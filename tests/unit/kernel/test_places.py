"""Where the platform keeps its files."""

import stat
from pathlib import Path

from beffroi.kernel.places import Places


def test_the_runtime_folder_is_short_private_and_of_one_data_folder(tmp_path: Path) -> None:
    first, second = Places.of(tmp_path / "a"), Places.of(tmp_path / "b")
    try:
        assert first.runtime != second.runtime
        assert first == Places.of(tmp_path / "a")
        assert len(str(first.instances / ("x" * 40))) < 107
        assert stat.S_IMODE(first.runtime.stat().st_mode) == 0o700
        assert first.process_folder("bus").is_relative_to(first.runtime)
    finally:
        first.runtime.rmdir()
        second.runtime.rmdir()
