"""From a territory file to a typed territory, or to every mistake it has."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from beffroi.territory.errors import TerritoryInvalidError
from beffroi.territory.findings import Finding, KeyPath, Mistake, in_order
from beffroi.territory.includes import SECTIONS, TerritoryFiles, read_files
from beffroi.territory.model import (
    Application,
    Host,
    IncludedFile,
    Organisation,
    Site,
    Territory,
    TerritoryFile,
)
from beffroi.territory.rules import Given, capacity_mistakes, territory_mistakes
from beffroi.territory.schema import file_schema
from beffroi.territory.shape import shape_findings
from beffroi.territory.source_files import located_source

_ENTRY_DEPTH: Final = 2
_KEY_DEPTH: Final = 3
_NOUNS: Final[dict[str, type[msgspec.Struct]]] = {
    "organisations": Organisation,
    "sites": Site,
    "hosts": Host,
    "applications": Application,
}
_REQUIRED: Final = {
    section: {field.name for field in msgspec.structs.fields(noun) if field.required} - {"name"}
    for section, noun in _NOUNS.items()
}


class LoadedTerritory(msgspec.Struct, frozen=True):
    """A territory, and the digest of the files that it was read from."""

    territory: Territory
    digest: str


def load_territory(file: Path) -> LoadedTerritory:
    """Read, check and complete a territory.

    Relative folders and archives become absolute; absent domains and host names get their
    default.

    Raises:
        TerritoryInvalidError: It has mistakes, all of them told at once. References and sums are
            left unchecked as long as a whole section or file cannot be read.
    """
    files = read_files(file)
    findings = _findings_of_files(files)
    if not all(_inside_entry(finding.path) for finding in findings):
        raise TerritoryInvalidError(in_order(findings))
    territory = _completed(_converted(files, {finding.path[:_KEY_DEPTH] for finding in findings}))
    located = _with_sources(territory, files)
    mistakes = [
        *territory_mistakes(territory, _given(files)),
        *(other for other in located if isinstance(other, Mistake)),
        *(capacity_mistakes(territory) if not findings else ()),
    ]
    findings.extend(files.located(mistake) for mistake in mistakes)
    if findings:
        raise TerritoryInvalidError(in_order(findings))
    applications = {found.name: found for found in located if isinstance(found, Application)}
    complete = msgspec.structs.replace(territory, applications=applications)
    return LoadedTerritory(complete, files.digest)


def _findings_of_files(files: TerritoryFiles) -> list[Finding]:
    """Gather what is wrong in each file; a value refused by YAML is not told a second time."""
    findings = list(files.findings)
    for document in files.documents:
        schema = _schema(TerritoryFile if document is files.root else IncludedFile)
        told = {finding.path for finding in document.findings}
        findings.extend(document.findings)
        findings.extend(f for f in shape_findings(document, schema) if f.path not in told)
    return findings


@cache
def _schema(kind: type[IncludedFile]) -> Mapping[str, Any]:
    return file_schema(kind)


def _given(files: TerritoryFiles) -> Given:
    return {
        section: {
            name: frozenset(entry) if isinstance(entry, dict) else frozenset()
            for name, entry in files.declared(section).items()
        }
        for section in SECTIONS
    }


def _inside_entry(path: KeyPath) -> bool:
    return len(path) >= _ENTRY_DEPTH and path[0] in SECTIONS


def _converted(files: TerritoryFiles, broken: set[KeyPath]) -> Territory:
    """Convert what has no finding: an optional key is left out, a required one takes its entry."""
    sections: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for section, entries in sections.items():
        for name, entry in files.declared(section).items():
            if (section, name) not in broken:
                sound = {key: entry[key] for key in entry if (section, name, key) not in broken}
                if sound.keys() >= _REQUIRED[section]:
                    entries[name] = _named(name, sound)
    return msgspec.convert({**files.root.data["territory"], **sections}, Territory)


def _named(name: str, entry: dict[str, Any]) -> dict[str, Any]:
    named = {**entry, "name": name}
    if "jobs" in entry:
        named["jobs"] = {key: {**job, "name": key} for key, job in entry["jobs"].items()}
    return named


def _completed(territory: Territory) -> Territory:
    """Fill in the domains and host names that follow from others."""
    organisations = {
        name: msgspec.structs.replace(
            organisation, domain=organisation.domain or f"{name}.{territory.domain}"
        )
        for name, organisation in territory.organisations.items()
    }
    applications = {
        name: msgspec.structs.replace(
            application, hosts=(f"{name}.{organisations[application.organisation].domain}",)
        )
        if not application.hosts and application.organisation in organisations
        else application
        for name, application in territory.applications.items()
    }
    return msgspec.structs.replace(
        territory, organisations=organisations, applications=applications
    )


def _with_sources(territory: Territory, files: TerritoryFiles) -> list[Application | Mistake]:
    top = files.root.file.parent
    return [
        located_source(
            application, files.document_of(("applications", application.name)).file.parent, top
        )
        for application in territory.applications.values()
    ]
