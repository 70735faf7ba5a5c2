"""What the machine is found to offer and to lack."""

import os
import shutil
from pathlib import Path

import pytest

from beffroi.engines.doctor import Diagnosis, Verdict, examine
from beffroi.kernel.catalogue import Language
from beffroi.kernel.processes.limits import best_limiter


async def findings(data: Path, *, joins: bool = False) -> dict[str, Diagnosis]:
    return {one.key: one for one in await examine(data, joins_database=joins)}


async def test_this_machine_can_run_the_platform(tmp_path: Path) -> None:
    found = await findings(tmp_path)
    missing = [one.told(Language.EN) for one in found.values() if one.verdict is Verdict.MISSING]
    assert missing == []
    assert {"python", "postgresql", "nginx", "sandbox"} <= set(found)


async def test_everything_is_told_in_both_languages_with_a_remedy_where_one_is_needed(
    tmp_path: Path,
) -> None:
    for one in await examine(tmp_path, joins_database=False):
        for language in Language:
            assert one.told(language)
            assert bool(one.remedy(language)) is (one.verdict is not Verdict.OK)


async def test_the_trial_leaves_nothing_in_the_data_folder(tmp_path: Path) -> None:
    await examine(tmp_path, joins_database=False)
    assert list(tmp_path.iterdir()) == []


async def test_a_joined_database_is_told_as_such(tmp_path: Path) -> None:
    found = await findings(tmp_path, joins=True)
    assert "postgresql_joined" in found
    assert "postgresql" not in found


async def test_the_limits_told_are_those_that_hold(tmp_path: Path) -> None:
    capabilities = best_limiter("tests").capabilities
    key = "limits" if capabilities.whole_unit else "limits_weaker"
    assert capabilities.name in (await findings(tmp_path))[key].told(Language.EN)


async def test_an_ordinary_user_is_told_what_root_would_add(tmp_path: Path) -> None:
    found = await findings(tmp_path)
    expected = Verdict.OK if os.geteuid() == 0 else Verdict.WEAKER
    assert {one.verdict for key, one in found.items() if key.startswith("identity")} == {expected}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs setpriv")
async def test_a_machine_without_setpriv_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("bwrap", "sh", "nginx"):
        path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        if path:
            (programs / name).symlink_to(path)
    monkeypatch.setenv("PATH", str(programs))
    found = await findings(tmp_path / "data")
    assert found["setpriv_missing"].verdict is Verdict.MISSING
    assert "util-linux" in found["setpriv_missing"].remedy(Language.EN)
