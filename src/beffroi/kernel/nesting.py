"""How deeply JSON nests: what is deeper than anybody writes is refused before it is walked."""

from typing import Any, Final

DEEPEST: Final = 200


def nests_too_deep(document: Any) -> bool:  # noqa: ANN401 - any JSON
    """Tell whether lists and objects stand in one another more than 200 deep."""
    level = [document]
    for _ in range(DEEPEST + 1):
        level = [
            inner
            for one in level
            if isinstance(one, list | dict)
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, list | dict)
        ]
        if not level:
            return False
    return True


def brackets(text: bytes) -> int:
    """Count what may begin a list or an object: it nests no deeper than that."""
    return text.count(b"{") + text.count(b"[")
