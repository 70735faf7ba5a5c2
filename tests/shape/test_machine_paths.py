"""What is tracked says nothing of the machine it was written on."""

import re

import pytest

from tests.support.sources import place, repository_files

READ_AS_TEXT = 2 * 1024 * 1024
_MACHINE_PATH = re.compile(
    r"(?<![\w./:~{}$-])/(?:root|work|home/[a-z]\w*|Users/\w+|mnt/[a-z]|opt/(?:pypi|wheels))/[\w.-]"
)
_REGISTRY = re.compile(
    r"(?:^|[^-\w])(?:--)?(?:extra-)?index-url[ =\"']+\S*:/"
    r"|://[^\s\"'<>]+/simple(?:[/\s\"']|$)"
    r"|registry *= *[\"']?\w+:/"
    r"|://[^\s\"'/]*(?:artifactory|jfrog|nexus)",
    re.MULTILINE,
)


@pytest.mark.parametrize(
    "folder", ["root", "work", "home/jeanne", "Users/jeanne", "mnt/c", "opt/wheels"]
)
def test_a_machines_path_is_recognised(folder: str) -> None:
    assert _MACHINE_PATH.search(f'data = "/{folder}/beffroi"')
    assert not _MACHINE_PATH.search(f"https://example.org/{folder}/beffroi")


@pytest.mark.parametrize(
    "line",
    [
        "--index-url {}pypi.example.org/",
        "extra-index-url = {}mirror/",
        "{}mirror.example.org/pypi/simple",
        'registry = "{}mirror"',
        "{}artifactory.example.org/x",
    ],
)
def test_a_registrys_address_is_recognised(line: str) -> None:
    assert _REGISTRY.search(line.format("https:" + "//"))


def _mentions(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in repository_files():
        if path.stat().st_size > READ_AS_TEXT:
            continue
        text = path.read_bytes().decode(errors="replace")
        found += [
            f"{place(path, text.count(chr(10), 0, match.start()) + 1)} {match.group().strip()}"
            for match in pattern.finditer(text)
        ]
    return found


def test_there_are_files_to_read() -> None:
    assert len(repository_files()) > 100


def test_no_path_of_a_persons_machine() -> None:
    assert _mentions(_MACHINE_PATH) == []


def test_no_address_of_a_package_registry() -> None:
    assert _mentions(_REGISTRY) == []
