from pathlib import Path

import pytest

from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.result_folder import folder_for_results


def test_a_folder_that_is_missing_is_made_with_those_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "2026" / "plan"

    assert folder_for_results(folder) == folder
    assert folder_for_results(folder).is_dir()
    assert list(folder.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("kept", encoding="utf-8")

    for unusable in (tmp_path / "taken", tmp_path / "taken" / "plan"):
        with pytest.raises(InvalidInputError) as refused:
            folder_for_results(unusable)
        assert str(unusable) in refused.value.message(Language.FR)
        assert "--out" in refused.value.remedy(Language.EN)


def test_a_folder_in_which_the_system_lets_nobody_write_is_refused() -> None:
    with pytest.raises(InvalidInputError) as refused:
        folder_for_results(Path("/proc/self"))
    assert refused.value.code == "kernel.results_folder_unusable"
