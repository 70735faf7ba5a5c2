"""Pages made from a typst template and its data; loaded by workers alone.

The fonts are those that the typst wheel carries, and the time is passed in, so that the same data
gives the same bytes on any machine. Text that no font can show is replaced, never left out: PDF/A
and PDF/UA forbid a page with a missing glyph.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
import typst

from beffroi.kernel.errors import FailedError

_UNSHOWN: Final = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-f]+)\}")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_UNPRINTABLE: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_TRIES: Final = 5


class Standard(StrEnum):
    """What a PDF conforms to; typst refuses to write what does not."""

    ARCHIVE = "a-3a"
    ACCESSIBLE = "ua-1"


class Typesetter:
    """A template that is loaded once and set with many data.

    Args:
        template: A ``.typ`` file. It reads ``json(bytes(sys.inputs.data))`` and other inputs by
            name, and may import files of its folder.
        standards: What each PDF conforms to.
    """

    def __init__(
        self,
        template: Path,
        standards: tuple[Standard, ...] = (Standard.ARCHIVE, Standard.ACCESSIBLE),
    ) -> None:
        self._template = template
        self._standards: list[typst.PDFStandard] = [one.value for one in standards]
        self._compiler = typst.Compiler(template, root=template.parent, ignore_system_fonts=True)

    def typeset(self, data: object, *, made_at: datetime, **inputs: str) -> bytes:
        """Set the template with data.

        Args:
            data: Any value that msgspec writes as JSON.
            made_at: What the document says of its time, to the second.
            inputs: More texts for the template, untouched, such as a file to attach.

        Returns:
            The PDF.

        Raises:
            FailedError: The template does not compile with this data.
        """
        text = msgspec.json.encode(_printable_parts(msgspec.to_builtins(data))).decode()
        for _ in range(_MOST_TRIES):
            try:
                return self._compiled({"data": text, **inputs}, made_at)
            except typst.TypstError as error:
                unshown = _unshown(error)
                if not unshown:
                    raise self._failure(error) from error
                for one in unshown:
                    text = text.replace(one, _REPLACEMENT)
        return self._compiled({"data": text, **inputs}, made_at)

    def _compiled(self, inputs: dict[str, str], made_at: datetime) -> bytes:
        pages = self._compiler.compile(
            format="pdf",
            pdf_standards=self._standards,
            sys_inputs=inputs,
            timestamp=made_at.astimezone(UTC).replace(microsecond=0),
        )
        if not isinstance(pages, bytes):
            raise TypeError("typst gave no single PDF")
        return pages

    def _failure(self, error: typst.TypstError) -> FailedError:
        return FailedError(
            "kernel.typesetting_failed", template=self._template.name, reason=error.message
        )


def printable(text: str) -> str:
    """Replace what neither XML nor a page may hold, such as control characters."""
    return _UNPRINTABLE.sub(_REPLACEMENT, text)


def _printable_parts(value: object) -> object:
    match value:
        case str():
            return printable(value)
        case list() | tuple():
            return [_printable_parts(one) for one in value]
        case dict():
            return {name: _printable_parts(one) for name, one in value.items()}
    return value


def _unshown(error: typst.TypstError) -> list[str]:
    """List the texts that no font can show, as they are in the data."""
    found = {
        _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), text)
        for text in _UNSHOWN.findall(error.diagnostic)
    }
    return sorted(found, key=len, reverse=True)
