"""Functions compiled to machine code at their first call, kept on disk for the next process."""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar, cast

import numba

# Sums may be reordered; infinities and not-a-numbers keep their meaning.
_REORDERED: Final = {"reassoc", "nsz", "contract", "arcp"}
ArgumentsT = ParamSpec("ArgumentsT")
AnswerT = TypeVar("AnswerT")


def compiled(function: Callable[ArgumentsT, AnswerT]) -> Callable[ArgumentsT, AnswerT]:
    """Compile a function of numbers and arrays.

    What it calls must stand in the same module: a change elsewhere would not be noticed by the
    copy on disk. Sums may be reordered; whole numbers below 2^53 stay exact all the same.
    """
    return cast(
        "Callable[ArgumentsT, AnswerT]",
        numba.njit(cache=True, fastmath=_REORDERED, error_model="numpy")(function),
    )
