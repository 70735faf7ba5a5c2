"""The files of the repository, as the shape tests read them."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    folder for folder in (ROOT / "src" / "beffroi").iterdir() if (folder / "__init__.py").is_file()
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def repository_files() -> tuple[Path, ...]:
    """List what is tracked or would be: everything that is not ignored."""
    process = subprocess.Popen(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    listed, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    names = sorted(set(listed.decode().split("\0")) - {""})
    return tuple(path for path in map(ROOT.joinpath, names) if path.is_file())


@cache
def python_files() -> tuple[Path, ...]:
    """List the platform's own Python files; the stories' applications have rules of their own."""
    return tuple(
        path
        for path in repository_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"src", "tests", "bench"}
    )


@cache
def tree_of(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def functions_of(path: Path) -> Iterator[Function]:
    """Give every function of a file, methods and inner functions included."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, Function):
            yield node


def place(path: Path, line: int | None = None) -> str:
    """Say where something is, as an editor opens it."""
    name = str(path.relative_to(ROOT))
    return name if line is None else f"{name}:{line}"
