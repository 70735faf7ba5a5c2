"""Long computing in a process of its own, which gives way to everything else on the machine.

The platform runs ``python -m MODULE``, writes a request to its input and reads lines of JSON from
its output: how far it is, then the answer or the error. Heavy libraries are loaded there alone.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from beffroi.kernel import errors
from beffroi.kernel.catalogue import Language
from beffroi.kernel.errors import BeffroiError, FailedError, ManyMistakesError

_GIVES_WAY: Final = 10
_LINE_MOST_BYTES: Final = 256 * 1024 * 1024
_ERRORS: Final = {
    kind.__name__: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, BeffroiError) and kind is not ManyMistakesError
}
AnswerT = TypeVar("AnswerT")
RequestT = TypeVar("RequestT")


class Progress(msgspec.Struct, frozen=True):
    """How far a worker is: from 0 to 1, and a word of what it does."""

    share: float
    doing: str


Told = Callable[[Progress], None]


def _unheard(progress: Progress) -> None:
    del progress


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of a worker's output: one of its fields is set."""

    progress: Progress | None = None
    answer: msgspec.Raw = msgspec.Raw()
    error: str = ""
    code: str = ""
    values: dict[str, Any] = {}
    findings: dict[Language, tuple[dict[str, Any], ...]] = {}


async def asked_of_worker(
    module: str,
    request: object,
    answer: type[AnswerT],
    told: Told = _unheard,
    *,
    deadline_s: float,
) -> AnswerT:
    """Have a module's ``main`` answer a request.

    Args:
        module: What ``python -m`` runs; it calls ``answer_as_worker``.
        request: Any value that msgspec writes as JSON.
        answer: What it answers.
        told: Called with each progress.
        deadline_s: When it is killed.

    Raises:
        BeffroiError: Whatever the worker raised of our errors.
        FailedError: It ended without an answer, or took too long.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_MOST_BYTES,
    )
    errors_told = asyncio.create_task(_all_of(process.stderr))
    try:
        async with asyncio.timeout(deadline_s):
            found = await _conversation(process, msgspec.json.encode(request), told)
            await process.wait()
    except TimeoutError as error:
        reason = f"more than {deadline_s:.0f} s"
        raise FailedError("kernel.worker_failed", worker=module, reason=reason) from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        last_words = (await errors_told).decode(errors="replace").strip().rpartition("\n")[2]
    if found is None:
        reason = last_words or f"status {process.returncode}"
        raise FailedError("kernel.worker_failed", worker=module, reason=reason)
    return msgspec.json.decode(found, type=answer)


async def _conversation(
    process: asyncio.subprocess.Process, request: bytes, told: Told
) -> bytes | None:
    """Write the request, read lines; return the answer as JSON, if one came."""
    writer, reader = process.stdin, process.stdout
    if writer is None or reader is None:
        raise RuntimeError("the process was started without pipes")
    try:
        writer.write(request)
        await writer.drain()
        writer.close()
    except (BrokenPipeError, ConnectionResetError):
        return None
    found = None
    async for text in reader:
        line = msgspec.json.decode(text, type=_Line)
        if line.progress is not None:
            told(line.progress)
        elif line.error:
            raise _raised(line)
        else:
            found = bytes(line.answer)
    return found


def _raised(line: _Line) -> BeffroiError:
    if line.findings:
        return ManyMistakesError(line.code, line.findings, **line.values)
    return _ERRORS[line.error](line.code, **line.values)


async def _all_of(reader: asyncio.StreamReader | None) -> bytes:
    return b"" if reader is None else await reader.read()


def answer_as_worker(request: type[RequestT], work: Callable[[RequestT, Told], object]) -> None:
    """Read a request from standard input, work on it, write progress and the answer.

    What else is printed goes to the errors, so that no library breaks a line of ours.
    """
    os.nice(_GIVES_WAY)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def write(line: _Line) -> None:
        output.write(msgspec.json.encode(line) + b"\n")
        output.flush()

    try:
        asked = msgspec.json.decode(sys.stdin.buffer.read(), type=request)
        found = work(asked, lambda progress: write(_Line(progress=progress)))
        write(_Line(answer=msgspec.Raw(msgspec.json.encode(found))))
    except BeffroiError as error:
        values = {name: str(value) for name, value in error.values.items()}
        found = {language: error.findings(language) for language in Language}
        findings = found if any(found.values()) else {}
        write(_Line(error=_kind_of(error), code=error.code, values=values, findings=findings))


def _kind_of(error: BeffroiError) -> str:
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS)
