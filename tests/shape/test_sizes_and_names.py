"""Files and functions stay short, and names say what they hold."""

from pathlib import Path

from tests.support.sources import ROOT, functions_of, place, python_files

FILE_LINES = 400
FUNCTION_LINES = 50
VAGUE = {
    "base",
    "bases",
    "common",
    "commons",
    "helper",
    "helpers",
    "manager",
    "managers",
    "misc",
    "util",
    "utilities",
    "utils",
}


def test_files_are_short() -> None:
    long = [
        f"{place(path)} has {lines} lines"
        for path in python_files()
        if (lines := path.read_text(encoding="utf-8").count("\n")) > FILE_LINES
    ]
    assert long == []


def test_functions_are_short() -> None:
    long = [
        f"{place(path, function.lineno)} {function.name} has {lines} lines"
        for path in python_files()
        for function in functions_of(path)
        if (lines := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES
    ]
    assert long == []


def test_no_module_or_folder_has_a_vague_name() -> None:
    vague = [
        place(path)
        for path in python_files()
        if VAGUE & {part for name in _names(path) for part in (name, *name.split("_"))}
    ]
    assert vague == []


def test_folders_of_tests_are_packages() -> None:
    """Two test files of one name would hide each other otherwise."""
    open_folders = sorted(
        {
            place(path.parent)
            for path in python_files()
            if path.is_relative_to(ROOT / "tests") and path.name.startswith(("test_", "conftest"))
            if not (path.parent / "__init__.py").is_file()
        }
    )
    assert open_folders == []


def _names(path: Path) -> tuple[str, ...]:
    return path.relative_to(ROOT).with_suffix("").parts
