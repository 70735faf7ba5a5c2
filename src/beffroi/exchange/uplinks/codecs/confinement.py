"""Leaving a process nothing but memory, time, and what it has open already.

Source: seccomp(2), prctl(2); numbers of system calls from the kernel's ``unistd`` headers.
"""

import ctypes
import os
import platform
from collections.abc import Sequence
from errno import EPERM
from typing import Final

_NO_NEW_PRIVILEGES, _SECCOMP, _FILTER = 38, 22, 2
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | EPERM
_LOAD, _EQUALS, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4
_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_ALLOWED: Final = {
    "x86_64": {
        "read": 0,
        "write": 1,
        "close": 3,
        "fstat": 5,
        "lseek": 8,
        "mmap": 9,
        "mprotect": 10,
        "munmap": 11,
        "brk": 12,
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "sched_yield": 24,
        "mremap": 25,
        "madvise": 28,
        "alarm": 37,
        "setitimer": 38,
        "exit": 60,
        "gettimeofday": 96,
        "sigaltstack": 131,
        "futex": 202,
        "restart_syscall": 219,
        "clock_gettime": 228,
        "exit_group": 231,
        "getrandom": 318,
    },
    "aarch64": {
        "close": 57,
        "lseek": 62,
        "read": 63,
        "write": 64,
        "fstat": 80,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "setitimer": 103,
        "clock_gettime": 113,
        "sched_yield": 124,
        "restart_syscall": 128,
        "sigaltstack": 132,
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "rt_sigreturn": 139,
        "gettimeofday": 169,
        "brk": 214,
        "munmap": 215,
        "mremap": 216,
        "mmap": 222,
        "mprotect": 226,
        "madvise": 233,
        "getrandom": 278,
    },
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


def confine() -> None:
    """Have the kernel refuse every other system call from here on, for good.

    No file and no socket can be opened, no process begun, none reached. On machines other than
    x86-64 and ARM64 nothing is done.

    Raises:
        OSError: The kernel has no such filters.
    """
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return
    lines = _lines(_ARCHITECTURES[machine], sorted(_ALLOWED[machine].values()))
    instructions = (_Instruction * len(lines))(*(_Instruction(*one) for one in lines))
    program = _Program(len(lines), instructions)
    libc = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    one = ctypes.c_ulong(1)
    for arguments in (
        (_NO_NEW_PRIVILEGES, one, zero, zero, zero),
        (_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(program), zero, zero),
    ):
        if libc.prctl(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _lines(architecture: int, allowed: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Write the filter: code, how many lines to skip if so and if not, value."""
    count = len(allowed)
    return [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_EQUALS, 0, count + 1, architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        *((_EQUALS, count - place, 0, number) for place, number in enumerate(allowed)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
