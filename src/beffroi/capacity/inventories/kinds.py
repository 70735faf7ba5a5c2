"""The kinds of file that are read, and how one of them is asked for; loads nothing heavy."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class FileKind(StrEnum):
    """What a file is; DETECTED: its content tells."""

    DETECTED = "detected"
    WORKLOADS = "workloads"
    HOSTS = "hosts"
    WORKBOOK = "workbook"
    AGGLO = "agglo"
    RVTOOLS = "rvtools"
    LIBVIRT = "libvirt"
    PROXMOX = "proxmox"
    NETBOX = "netbox"
    TERRITORY = "territory"


class ByteUnits(StrEnum):
    """What MB, GB, Mo and Go mean in a file: powers of 1024, of 1000, or nobody said."""

    UNSTATED = "unstated"
    BINARY = "binary"
    DECIMAL = "decimal"


class Import(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file to read, and what it does not say itself."""

    file: Annotated[Name, Meta(description="File or folder, relative to the file that names it.")]
    kind: Annotated[FileKind, Meta(description="What it is; default: its content tells.")] = (
        FileKind.DETECTED
    )
    byte_units: Annotated[
        ByteUnits, Meta(description="What MB, GB, Mo and Go mean: binary (1024) or decimal (1000).")
    ] = ByteUnits.UNSTATED
    ghz_per_core: Annotated[
        float, Meta(ge=0, le=10, description="Clock of one core, for amounts in GHz; 0: unknown.")
    ] = 0.0
    vcpu_per_core: Annotated[
        float,
        Meta(
            ge=1,
            le=20,
            description="Virtual processors that share one core, where none is measured.",
        ),
    ] = 1.0
    site: Annotated[
        str, Meta(max_length=200, description="Site of its hosts; default: as written.")
    ] = ""
    host_model: Annotated[
        str, Meta(max_length=200, description="Model of its hosts; default: as written.")
    ] = ""
    organisation: Annotated[
        str, Meta(max_length=200, description="Owner of the workloads that name none.")
    ] = ""
    leave_out: Annotated[
        tuple[Name, ...], Meta(description="Workloads to leave out, * standing for anything.")
    ] = ()
