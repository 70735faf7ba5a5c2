"""The register as files: one row per treatment, with the fields of the CNIL's register.

Source: CNIL, « Modèle de registre des activités de traitement » (GDPR, article 30).
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from beffroi.exchange.contexts.resolving import CORE
from beffroi.exchange.governance.journal_store import HeldAccess
from beffroi.exchange.governance.open_files import harmless
from beffroi.exchange.governance.service import Register
from beffroi.exchange.model import Iri
from beffroi.kernel.catalogue import Language, sentence

FIELDS: Final = (
    *("name", "title", "controller", "owner", "contact", "purpose", "legal_basis", "persons"),
    *("categories", "types", "personal", "personal_attributes", "recipients", "transfers"),
    *("retention", "security", "changed_at"),
)
ACCESS_FIELDS: Final = (
    *("at", "actor", "organisation", "verb", "purpose", "treatment", "types", "attributes"),
    *("entities", "ids"),
)
ODS: Final = "application/vnd.oasis.opendocument.spreadsheet"
_OFFICE: Final = "urn:oasis:names:tc:opendocument:xmlns"
_MANIFEST: Final = f"""<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="{_OFFICE}:manifest:1.0" manifest:version="1.3">
<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{ODS}"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>
</manifest:manifest>
"""
_CONTENT: Final = f"""<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="{_OFFICE}:office:1.0" xmlns:table="{_OFFICE}:table:1.0"
 xmlns:text="{_OFFICE}:text:1.0" office:version="1.3"><office:body><office:spreadsheet>
<table:table table:name="%s">%s</table:table>
</office:spreadsheet></office:body></office:document-content>
"""


def register_rows(register: Register, language: Language) -> list[list[str]]:
    """Return the titles of the fields, then a row for each treatment."""
    rows = [[sentence(language, f"exchange.register.{name}") for name in FIELDS]]
    for held in register.treatments:
        one = held.treatment
        basis = one.legal_basis
        days = one.retention_days
        rows.append(
            [
                *(one.name, one.title, register.organisation, one.owner, one.contact, one.purpose),
                "" if basis is None else sentence(language, f"exchange.legal_basis.{basis}"),
                *(_listed(one.persons), _listed(one.categories), _listed(one.types)),
                sentence(language, f"exchange.register.{'yes' if one.personal else 'no'}"),
                *(_listed(one.personal_attributes), _listed(one.recipients), one.transfers),
                "" if days is None else sentence(language, "exchange.register.days", days=days),
                *(_listed(one.security), f"{held.changed_at:%Y-%m-%d}"),
            ]
        )
    return rows


def access_rows(accesses: Iterable[HeldAccess], language: Language) -> list[list[str]]:
    """Return the titles of the journal's fields, then a row for each access."""
    titles = [sentence(language, f"exchange.accesses.{name}") for name in ACCESS_FIELDS]
    return [
        titles,
        *(
            [
                *(f"{one.at:%Y-%m-%dT%H:%M:%SZ}", one.actor, one.actor_organisation),
                sentence(language, f"exchange.accesses.verbs.{one.verb}"),
                *(one.purpose, one.treatment, _short(one.types), _short(one.attributes)),
                *(str(one.entities), " ".join(one.ids)),
            ]
            for one in accesses
        ),
    ]


def csv_file(rows: Iterable[Sequence[str]]) -> bytes:
    """Write rows as CSV, so that spreadsheets read its letters and run none of its cells."""
    written = io.StringIO()
    csv.writer(written, delimiter=";", lineterminator="\r\n").writerows(
        map(harmless, row) for row in rows
    )
    return b"\xef\xbb\xbf" + written.getvalue().encode()


def ods_file(rows: Iterable[Sequence[str]], title: str) -> bytes:
    """Write rows as an OpenDocument spreadsheet of texts."""
    table = "".join(
        f"<table:table-row>{''.join(map(_cell, row))}</table:table-row>" for row in rows
    )
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", ODS, compress_type=ZIP_STORED)
        archive.writestr("content.xml", _CONTENT % (escape(title, {'"': "&quot;"}), table))
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
    return file.getvalue()


def _cell(text: str) -> str:
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in text.splitlines())
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'


def _short(names: Iterable[Iri]) -> str:
    return ", ".join(CORE.compact(one) for one in names)


def _listed(entries: Iterable[str]) -> str:
    return ", ".join(entries)
