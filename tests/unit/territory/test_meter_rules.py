"""Which keys go with which kind of meter, each mistake at its place."""

import msgspec
import pytest

from beffroi.territory.loading import load_territory
from beffroi.territory.meter_rules import meter_mistakes
from beffroi.territory.meters import Meter, MeterKind, MeterQuantity
from beffroi.territory.model import Host
from tests.unit.territory.conftest import FindingsOf, Write

_TOWN = """\
territory: {name: essai, title: Essai, domain: localhost}
sites: {mairie: {title: Mairie, latitude: 48, longitude: 0.2}}
hosts:
  s1:
    site: mairie
    cpus: 2
    memory_gib: 2
    disk_gib: 100
    meter:
"""
_SOUND = {
    "none": "",
    "rapl": "",
    "file": "file: /run/watts",
    "redfish": "address: bmc.ville.fr\nuser: lecture\nsecret_file: /etc/bmc\nchassis: '1'",
    "snmp": "address: 10.0.0.7\noid: 1.3.6.1.4.1.318.1\nsecret_file: /etc/pdu\nscale: 10",
    "mqtt": "address: broker\ntopic: tele/prise/SENSOR\npath: ENERGY.Total\nquantity: kWh",
}


def _town(kind: str, lines: str) -> str:
    return _TOWN + "".join(f"      {line}\n" for line in [f"kind: {kind}", *lines.splitlines()])


@pytest.mark.parametrize("kind", MeterKind)
def test_a_meter_of_each_kind_can_be_declared(kind: MeterKind, write: Write) -> None:
    found = load_territory(write(_town(kind, _SOUND[kind]))).territory.hosts["s1"].meter

    assert found.kind is kind
    assert msgspec.convert(msgspec.to_builtins(found), Meter) == found


def test_a_host_says_neither_model_nor_meter_by_default() -> None:
    host = Host(name="s1", site="mairie", cpus=2, memory_gib=2, disk_gib=100)

    assert (host.model, host.meter.kind) == ("", MeterKind.NONE)
    assert msgspec.to_builtins(host).keys().isdisjoint({"model", "meter"})


def test_a_model_is_a_text_as_makers_write_it(write: Write) -> None:
    text = _TOWN.replace("    meter:\n", '    model: "1U EPYC 7543, 8x 64 GB, 2 SSD"\n')

    found = load_territory(write(text)).territory.hosts["s1"]

    assert found.model == "1U EPYC 7543, 8x 64 GB, 2 SSD"


@pytest.mark.parametrize(
    ("kind", "without"),
    [
        ("file", "file"),
        ("redfish", "address"),
        ("redfish", "user"),
        ("redfish", "secret_file"),
        ("snmp", "address"),
        ("snmp", "oid"),
        ("snmp", "secret_file"),
        ("mqtt", "address"),
        ("mqtt", "topic"),
    ],
)
def test_what_a_kind_needs_is_missed_at_the_meter(
    kind: str, without: str, findings_of: FindingsOf
) -> None:
    kept = [line for line in _SOUND[kind].splitlines() if not line.startswith(without)]

    (finding,) = findings_of(_town(kind, "\n".join(kept)))

    assert (finding.code, finding.line) == ("territory.missing_key", 9)
    assert finding.path == ("hosts", "s1", "meter", without)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("none", "file: /run/watts"),
        ("rapl", "address: bmc"),
        ("file", "topic: a/b"),
        ("redfish", "oid: 1.3.6.1"),
        ("snmp", "quantity: Wh"),
        ("mqtt", "chassis: '1'"),
    ],
)
def test_a_key_of_another_kind_is_told_at_its_line(
    kind: str, key: str, findings_of: FindingsOf
) -> None:
    text = _town(kind, f"{_SOUND[kind]}\n{key}".strip())

    (finding,) = findings_of(text)

    assert finding.code == "territory.key_not_for_kind"
    assert (finding.line, finding.column) == (text.count("\n"), 7)


@pytest.mark.parametrize(
    ("kind", "lines", "needed"),
    [
        ("snmp", "user: lecture", "privacy_file"),
        ("snmp", "privacy_file: /etc/privacy", "user"),
        ("snmp", "signed_by: sha1", "user"),
        ("mqtt", "user: lecture", "secret_file"),
        ("mqtt", "secret_file: /etc/broker", "user"),
    ],
)
def test_keys_that_go_together_are_asked_for_together(
    kind: str, lines: str, needed: str, findings_of: FindingsOf
) -> None:
    (finding,) = findings_of(_town(kind, f"{_SOUND[kind]}\n{lines}"))

    assert (finding.code, finding.values["needed"]) == ("territory.key_needs", needed)


def test_snmp_version_3_has_a_user_and_two_secrets() -> None:
    meter = Meter(
        kind=MeterKind.SNMP,
        address="pdu",
        oid="1.3.6.1",
        user="lecture",
        secret_file="/etc/authentication",
        privacy_file="/etc/privacy",
    )

    assert list(meter_mistakes(meter, ())) == []


def test_a_plug_that_counts_energy_may_be_silent_for_longer() -> None:
    meter = Meter(
        kind=MeterKind.MQTT,
        address="broker",
        topic="tele/prise/SENSOR",
        quantity=MeterQuantity.KWH,
        silent_after_s=600,
    )

    assert list(meter_mistakes(meter, ())) == []
