"""Every setting, with its unit, its bound and its help line; the reference page is made from it.

A setting comes from the environment (``BEFFROI_HTTPS_PORT``), else from ``beffroi.toml`` in the
data folder (``https_port = 8443``), else from its default.
"""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from beffroi.kernel.errors import InvalidInputError
from beffroi.kernel.places import default_data_folder
from beffroi.kernel.secrets import Secret

_PREFIX = "BEFFROI_"
_FILE = "beffroi.toml"
_CLIENT_VARIABLES = frozenset({"BEFFROI_URL", "BEFFROI_TOKEN"})


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person may set."""

    listen_addresses: Annotated[
        tuple[str, ...],
        Meta(
            min_length=1,
            description="Addresses on which nginx listens; «0.0.0.0» and «::» for all.",
        ),
    ] = ("127.0.0.1",)
    http_port: Annotated[
        int,
        Meta(ge=0, le=65535, description="TCP port for HTTP; 0: 80 where allowed and free."),
    ] = 0
    https_port: Annotated[
        int,
        Meta(ge=0, le=65535, description="TCP port for HTTPS; 0: 443 where allowed and free."),
    ] = 0
    database_url_file: Annotated[
        str,
        Meta(
            description="File with the URL of your own PostgreSQL; empty: the embedded one. "
            "The environment may give the URL itself in BEFFROI_DATABASE_URL."
        ),
    ] = ""
    acme_directory: Annotated[
        str,
        Meta(description="URL of the ACME directory for public names; empty: local certificates."),
    ] = ""
    acme_contact: Annotated[
        str, Meta(description="E-mail address given to the certificate authority.")
    ] = ""
    acme_authority_file: Annotated[
        str, Meta(description="PEM file that the ACME directory's own TLS is checked against.")
    ] = ""
    pages_mib: Annotated[
        int,
        Meta(ge=16, le=1_048_576, description="Room for the stored pages of all sites, in MiB."),
    ] = 4096
    machine: Annotated[
        str,
        Meta(
            pattern="^(epyc|xeon|small)$",
            description="Published power curve that comes nearest to the machine's.",
        ),
    ] = "epyc"
    wattmeter_file: Annotated[
        str,
        Meta(
            description="File where a wattmeter writes the machine's power, in watts; "
            "it wins over the power curve."
        ),
    ] = ""
    reach_internal_network: Annotated[
        bool,
        Meta(
            description="Whether the exchange may ask loopback, private and link-local addresses "
            "for @contexts, and notify them."
        ),
    ] = False
    contexts_folder: Annotated[
        str,
        Meta(
            description="Folder of @contexts that the exchange knows without the network: the "
            "documents, and an index.json from URL to file name."
        ),
    ] = ""
    nats_url_file: Annotated[
        str,
        Meta(
            description="File with the URL of a NATS server, whose JetStream the exchange's log is "
            "carried to; empty: to none."
        ),
    ] = ""
    mqtt_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="TCP port for MQTT without TLS, on loopback alone; 0: none.",
        ),
    ] = 0
    mqtts_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="TCP port for MQTT over TLS, on the addresses that nginx listens on; "
            "8883 is usual. 0: none.",
        ),
    ] = 0
    exchange_processes: Annotated[
        int,
        Meta(
            ge=0,
            le=32,
            description="Processes that answer the exchange's door, and take messages of MQTT, "
            "beside the platform's own.",
        ),
    ] = 0
    log_changes_days: Annotated[
        int,
        Meta(
            ge=1,
            le=36_525,
            description="Days for which the log tells of changes of entities at least: how far "
            "back flows can be replayed.",
        ),
    ] = 7
    log_acts_days: Annotated[
        int,
        Meta(
            ge=30,
            le=36_525,
            description="Days for which the log tells of what people and the platform did.",
        ),
    ] = 1_826
    log_level: Annotated[
        str,
        Meta(pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least severe line logged."),
    ] = "INFO"


def loaded_settings(data: Path, environment: Mapping[str, str]) -> Settings:
    """Read the settings of a data folder.

    Raises:
        InvalidInputError: A name is unknown (the nearest is told) or a value out of bounds.
    """
    given = _from_file(data / _FILE) | _from_environment(environment)
    known = {field.name for field in msgspec.structs.fields(Settings)}
    for name, (value, place) in given.items():
        if name not in known:
            nearest = get_close_matches(name, known, n=1, cutoff=0) or [""]
            raise InvalidInputError(
                "app.setting_unknown", name=name, place=place, nearest=nearest[0]
            )
        try:
            msgspec.convert({name: value}, Settings, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidInputError(
                "app.setting_invalid", name=name, place=place, value=value, reason=error
            ) from error
    return msgspec.convert(
        {name: value for name, (value, _) in given.items()}, Settings, strict=False
    )


def nats_url(settings: Settings) -> Secret | None:
    """Return the URL of the operator's NATS server, where there is one."""
    return (
        Secret(Path(settings.nats_url_file).read_text().strip()) if settings.nats_url_file else None
    )


def database_url(settings: Settings, environment: Mapping[str, str]) -> Secret | None:
    """Return the URL of the operator's own PostgreSQL, where there is one."""
    given = environment.get("BEFFROI_DATABASE_URL", "")
    if not given and settings.database_url_file:
        given = Path(settings.database_url_file).read_text().strip()
    return Secret(given) if given else None


def chosen_data_folder(environment: Mapping[str, str]) -> Path:
    """Return the data folder: ``BEFFROI_DATA``, else by convention."""
    given = environment.get("BEFFROI_DATA", "")
    return Path(given) if given else default_data_folder()


Given = dict[str, tuple[Any, str]]


def _from_file(path: Path) -> Given:
    if not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError("app.settings_unreadable", path=path, reason=error) from error
    return {name: (value, str(path)) for name, value in table.items()}


def _from_environment(environment: Mapping[str, str]) -> Given:
    elsewhere = _CLIENT_VARIABLES | {"BEFFROI_DATA", "BEFFROI_DATABASE_URL", "BEFFROI_LANGUAGE"}
    return {
        name.removeprefix(_PREFIX).lower(): (
            value.split(",") if name.endswith("_ADDRESSES") else value,
            f"environment variable {name}",
        )
        for name, value in environment.items()
        if name.startswith(_PREFIX) and name not in elsewhere
    }
