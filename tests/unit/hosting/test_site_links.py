"""Links of a site, replaced by what they lead to."""

import os
from pathlib import Path

import pytest

from beffroi.hosting.site_links import dissolve_links
from beffroi.kernel.errors import InvalidInputError


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    (folder / "pages" / "deep").mkdir(parents=True)
    (folder / "pages" / "home.html").write_text("home")
    (folder / "pages" / "deep" / "leaf.html").write_text("leaf")
    return folder


def links_of(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_symlink()]


def test_a_link_to_a_file_becomes_that_file_without_taking_space(site: Path) -> None:
    (site / "index.html").symlink_to("pages/home.html")
    dissolve_links(site)
    assert links_of(site) == []
    assert (site / "index.html").read_text() == "home"
    assert (site / "index.html").samefile(site / "pages" / "home.html")


def test_a_link_to_a_folder_becomes_a_folder_of_the_same_files(site: Path) -> None:
    (site / "latest").symlink_to("pages")
    dissolve_links(site)
    assert links_of(site) == []
    assert (site / "latest" / "deep" / "leaf.html").read_text() == "leaf"
    assert (site / "latest" / "home.html").samefile(site / "pages" / "home.html")


def test_a_link_to_a_link_is_followed_to_its_end(site: Path) -> None:
    (site / "a").symlink_to("b")
    (site / "b").symlink_to("pages/home.html")
    dissolve_links(site)
    assert (site / "a").read_text() == (site / "b").read_text() == "home"


@pytest.mark.parametrize("target", ["missing", "self", ".", "..", "../pages"])
def test_a_link_that_leads_nowhere_or_around_itself_is_left_out(site: Path, target: str) -> None:
    (site / "pages" / "self").symlink_to(target)
    dissolve_links(site)
    assert sorted(path.name for path in (site / "pages").iterdir()) == ["deep", "home.html"]


def test_two_folders_that_hold_links_to_each_other_come_to_an_end(site: Path) -> None:
    (site / "other").mkdir()
    (site / "other" / "there").symlink_to("../pages")
    (site / "pages" / "back").symlink_to("../other")
    dissolve_links(site)
    assert links_of(site) == []
    assert (site / "pages" / "home.html").read_text() == "home"
    assert len(list(site.rglob("home.html"))) <= 4


def test_a_link_in_a_folder_named_again_means_what_it_means_where_it_was_written(
    site: Path,
) -> None:
    (site.parent / "neighbour").mkdir()
    (site.parent / "neighbour" / "private").write_text("theirs")
    (site / "neighbour").mkdir()
    (site / "neighbour" / "private").write_text("ours")
    (site / "pages" / "deep" / "down").mkdir()
    (site / "pages" / "deep" / "down" / "sly").symlink_to("../../../neighbour/private")
    for name in ("a", "z"):
        (site / name).symlink_to("pages/deep")
    dissolve_links(site)
    for name in ("a", "z", "pages/deep"):
        assert (site / name / "down" / "sly").read_text() == "ours"


def test_a_link_that_leads_out_is_refused(site: Path) -> None:
    (site / "pages" / "sly").symlink_to("../../elsewhere")
    with pytest.raises(InvalidInputError, match="pages/sly"):
        dissolve_links(site)


def test_links_to_folders_full_of_links_are_refused_before_they_fill_the_disk(
    tmp_path: Path,
) -> None:
    site = tmp_path / "site"
    (site / "level-00").mkdir(parents=True)
    (site / "level-00" / "file").write_text("x")
    for level in range(1, 30):
        folder = site / f"level-{level:02}"
        folder.mkdir()
        for name in ("a", "b"):
            (folder / name).symlink_to(f"../level-{level - 1:02}")
    with pytest.raises(InvalidInputError) as refused:
        dissolve_links(site, most=1000)
    assert refused.value.code == "hosting.links_endless"


def test_a_site_without_links_stays_as_it_is(site: Path) -> None:
    before = sorted(os.fspath(path) for path in site.rglob("*"))
    dissolve_links(site)
    assert sorted(os.fspath(path) for path in site.rglob("*")) == before
