"""sushy-tools' server of Redfish resources from files, over TLS.

Its emulator of whole machines (2.2.0) serves chassis without power. The resources here have the
names and the form that DMTF publishes (DSP2043, public-rackmount1); the numbers are the tests'.
"""

import asyncio
import ipaddress
import json
import shutil
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from beffroi.kernel.clock import SystemClock
from tests.support.town import free_port
from tests.support.waiting import eventually

_ROOT = "/redfish/v1"


class RedfishFiles:
    """What the server shows."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.certificate = folder / "certificate.pem"
        self.key = folder / "key.pem"
        self.resources = folder / "redfish"

    def show(self, resource: str, body: Mapping[str, object], chassis: str = "1U") -> None:
        """Give the chassis a resource, such as ``EnvironmentMetrics``."""
        links = self._links(chassis) | {resource: self._link(f"Chassis/{chassis}/{resource}")}
        self._write(f"Chassis/{chassis}/{resource}", body)
        self._write(f"Chassis/{chassis}", {"Id": chassis, **links})
        self._write_collection("Chassis")

    def show_supplies(self, watts: Mapping[str, float | None], chassis: str = "1U") -> None:
        """Give the chassis a power subsystem with supplies."""
        place = f"Chassis/{chassis}/PowerSubsystem/PowerSupplies"
        for name, reading in watts.items():
            self._write(f"{place}/{name}/Metrics", {"InputPowerWatts": {"Reading": reading}})
            self._write(f"{place}/{name}", {"Metrics": self._link(f"{place}/{name}/Metrics")})
        self._write_collection(place)
        self.show("PowerSubsystem", {"PowerSupplies": self._link(place)}, chassis)

    def take_away(self) -> None:
        """Show nothing any more."""
        shutil.rmtree(self.resources / "Chassis", ignore_errors=True)

    def _links(self, chassis: str) -> dict[str, object]:
        path = self.resources / "Chassis" / chassis / "index.json"
        links: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}
        return links

    def _write_collection(self, place: str) -> None:
        members = sorted(one.name for one in (self.resources / place).iterdir() if one.is_dir())
        body = {"Members": [self._link(f"{place}/{name}") for name in members]}
        self._write(place, body)

    def _write(self, place: str, body: Mapping[str, object]) -> None:
        path = self.resources / place / "index.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"@odata.id": f"{_ROOT}/{place}", **body}))

    @staticmethod
    def _link(place: str) -> dict[str, str]:
        return {"@odata.id": f"{_ROOT}/{place}"}


@asynccontextmanager
async def redfish_server(folder: Path) -> AsyncIterator[RedfishFiles]:
    """Serve a folder."""
    port = free_port()
    files = RedfishFiles(folder, port)
    files.resources.mkdir()
    make_certificate(files.certificate, files.key)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sushy_tools.static.main", "-i", "127.0.0.1", "-p", str(port)),
        *("-m", str(files.resources), "-c", str(files.certificate), "-k", str(files.key)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: answers(port), within_s=20)
        yield files
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def answers(port: int) -> bool:
    """Tell whether something listens."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with suppress(OSError, ssl.SSLError):
        await writer.wait_closed()
    return True


def make_certificate(certificate: Path, key: Path) -> None:
    """Draw a key and sign a certificate for 127.0.0.1 with it."""
    drawn = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "controller")])
    now = SystemClock().now()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(drawn.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(drawn, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        drawn.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
