"""Every test asserts something, and none fakes what can run."""

import ast
from pathlib import Path

from tests.support.sources import ROOT, Function, functions_of, place, python_files, tree_of

TEST_FILES = tuple(
    path
    for path in python_files()
    if path.is_relative_to(ROOT / "tests") and path.name.startswith("test_")
)
ASSERTING_CALLS = {"raises", "warns", "fail", "eventually", "expect"}


def test_there_are_tests_to_read() -> None:
    assert len(TEST_FILES) > 10


def test_every_test_asserts_something() -> None:
    silent = [
        f"{place(path, function.lineno)} {function.name}"
        for path in TEST_FILES
        for function in functions_of(path)
        if function.name.startswith("test_") and not _asserts(function, _asserters(path))
    ]
    assert silent == []


def test_no_test_uses_a_mock() -> None:
    mocking = [
        place(path, node.lineno)
        for path in TEST_FILES
        for node in ast.walk(tree_of(path))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").startswith("unittest.mock"))
        or (isinstance(node, ast.Attribute) and node.attr in {"MagicMock", "AsyncMock"})
    ]
    assert mocking == []


def test_no_test_is_skipped_without_a_reason() -> None:
    reasonless = [
        place(path, node.lineno)
        for path in TEST_FILES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and _name(node.func) in {"skip", "skipif", "xfail"}
        if not any(keyword.arg == "reason" for keyword in node.keywords)
        if not (_name(node.func) == "skip" and node.args)
    ]
    assert reasonless == []


def _asserters(path: Path) -> set[str]:
    """Name the file's own functions that assert for their callers."""
    found: set[str] = set()
    for function in functions_of(path):
        if not function.name.startswith("test_") and _asserts(function, set()):
            found.add(function.name)
    return found


def _asserts(function: Function, asserters: set[str]) -> bool:
    for node in ast.walk(function):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = _name(node.func)
            if name in ASSERTING_CALLS | asserters or name.startswith(("assert_", "expect_")):
                return True
    return False


def _name(called: ast.expr) -> str:
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
