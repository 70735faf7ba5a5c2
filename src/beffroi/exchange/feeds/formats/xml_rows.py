"""Rows of XML: elements of one name, read as they come, without entities and without network."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

from lxml import etree

from beffroi.exchange.feeds.mistakes import RowPlace
from beffroi.exchange.feeds.rows import Row, opened, wrong_file
from beffroi.kernel.units import MIB

_STRETCH_MOST: Final = 8 * MIB


def read_xml(file: Path, rows: str) -> Iterator[Row]:
    """Give the elements of a name; what is inside them stands under paths of dots."""
    for element in elements(file, rows):
        cells: dict[str, str] = {}
        add_cells(element, "", cells)
        yield Row(RowPlace(str(file), element.sourceline or 1), cells)


def elements(file: Path, *names: str) -> Iterator[Any]:
    """Give the elements of some names in their order; each is gone once the next is asked for.

    Raises:
        WrongFileError: It is not XML, or declares entities of its own.
    """
    try:
        with opened(file) as binary:
            stretch = _Stretch(file, binary)
            parsed = etree.iterparse(
                stretch,
                events=("end",),
                tag=[f"{{*}}{name}" for name in names],
                resolve_entities=False,
                no_network=True,
                load_dtd=False,
                huge_tree=False,
                remove_comments=True,
                remove_pis=True,
            )
            for _, element in parsed:
                if element.getroottree().docinfo.doctype:
                    raise wrong_file(file, 1, "exchange.feed_xml_doctype")
                yield element
                _forget(element)
                stretch.read_bytes = 0
            if parsed.root is not None and parsed.root.getroottree().docinfo.doctype:
                raise wrong_file(file, 1, "exchange.feed_xml_doctype")
    except etree.XMLSyntaxError as error:
        line = error.lineno or 1
        raise wrong_file(file, line, "exchange.feed_file_not_xml", reason=error.msg) from error
    except (OSError, EOFError, zlib.error) as error:
        raise wrong_file(file, 1, "exchange.feed_file_unreadable", reason=str(error)) from error


def add_cells(element: Any, path: str, cells: dict[str, str]) -> None:  # noqa: ANN401 - lxml
    """Write what an element holds under paths; of those of one path the first counts."""
    if text := (element.text or "").strip():
        cells.setdefault(path or local_name(element), text)
    for name, value in element.attrib.items():
        cells.setdefault(f"{path}@{etree.QName(name).localname}", value.strip())
    for child in element.iterchildren(tag=etree.Element):
        inner = f"{path}.{local_name(child)}" if path else local_name(child)
        add_cells(child, inner, cells)


def local_name(element: Any) -> str:  # noqa: ANN401 - lxml
    """Return the name of an element without its namespace."""
    return str(etree.QName(element).localname)


class _Stretch:
    """Bounds what lies between two rows, all of which is held."""

    def __init__(self, file: Path, binary: IO[bytes]) -> None:
        self.read_bytes = 0
        self._file = file
        self._binary = binary

    def read(self, length: int) -> bytes:
        """Read on.

        Raises:
            WrongFileError: No row ended for too long.
        """
        part = self._binary.read(length)
        self.read_bytes += len(part)
        if self.read_bytes > _STRETCH_MOST:
            most = _STRETCH_MOST // MIB
            raise wrong_file(self._file, 1, "exchange.feed_rows_apart", most_mib=most)
        return part


def _forget(element: Any) -> None:  # noqa: ANN401 - lxml
    """Free what was read: the element, those before it, and those before what it is in."""
    element.clear()
    inside = element
    while (parent := inside.getparent()) is not None:
        while inside.getprevious() is not None:
            del parent[0]
        inside = parent
