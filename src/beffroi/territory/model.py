"""The declared nouns, as typed values; their descriptions feed the schema and the reference.

Nouns with ``omit_defaults`` have texts whose default is empty while a written one may not be:
their encoded form leaves such a text out, so that what was stored can be read back.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from beffroi.territory.formats import (
    Command,
    CookieName,
    Entry,
    EnvironmentName,
    EnvironmentValue,
    FilePath,
    GitRef,
    GitUrl,
    HostName,
    IncludeGlob,
    QueryName,
    RedirectTarget,
    RelativePath,
    RequestPath,
    Schedule,
    Slug,
    Title,
    UrlPath,
)
from beffroi.territory.meters import Meter


class ApplicationKind(StrEnum):
    """What it takes to serve an application."""

    STATIC = "static"
    PYTHON = "python"
    COMMAND = "command"


class ServerInterface(StrEnum):
    """How a Python application is called."""

    WSGI = "wsgi"
    ASGI = "asgi"


class Listening(StrEnum):
    """Where a started command waits for requests."""

    SOCKET = "socket"
    PORT = "port"


class Organisation(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A commune or another body that owns applications."""

    name: Annotated[Slug, Meta(description="Key of the organisation.")]
    title: Annotated[Title, Meta(description="Name that people read.")]
    domain: Annotated[
        HostName,
        Meta(description="Domain of its applications; default: <organisation>.<territory domain>."),
    ] = ""


class Site(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place that houses hosts."""

    name: Annotated[Slug, Meta(description="Key of the site.")]
    title: Annotated[Title, Meta(description="Name that people read.")]
    latitude: Annotated[float, Meta(ge=-90, le=90, description="Degrees north, WGS 84.")]
    longitude: Annotated[float, Meta(ge=-180, le=180, description="Degrees east, WGS 84.")]


class Host(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A machine that runs applications."""

    name: Annotated[Slug, Meta(description="Key of the host.")]
    site: Annotated[Slug, Meta(description="Site that houses the host.")]
    cpus: Annotated[int, Meta(ge=1, le=4096, description="Processor threads.")]
    memory_gib: Annotated[int, Meta(ge=1, le=65_536, description="Memory, in GiB.")]
    disk_gib: Annotated[int, Meta(ge=1, le=10_000_000, description="Disk space, in GiB.")]
    model: Annotated[
        Title,
        Meta(description="Model of host that it is; default: the one of the setting `machine`."),
    ] = ""
    meter: Annotated[Meter, Meta(description="What measures its power.")] = Meter()


class Source(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """Where an application's files come from: a folder, an archive or a Git repository."""

    folder: Annotated[
        FilePath, Meta(description="Folder, absolute or relative to the file that names it.")
    ] = ""
    archive: Annotated[
        FilePath, Meta(description="Archive, absolute or relative to the file that names it.")
    ] = ""
    git: Annotated[GitUrl, Meta(description="URL or absolute path of a Git repository.")] = ""
    ref: Annotated[GitRef, Meta(description="Branch, tag or commit of the repository.")] = "HEAD"
    subfolder: Annotated[
        RelativePath, Meta(description="Folder inside the source that holds the application.")
    ] = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an application may use at most."""

    memory_mib: Annotated[int, Meta(ge=16, le=1_048_576, description="Memory, in MiB.")] = 512
    cpus: Annotated[float, Meta(ge=0.05, le=1024, description="Processor threads.")] = 1.0
    processes: Annotated[int, Meta(ge=1, le=32_768, description="Processes and threads.")] = 128


class HealthCheck(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a started application proves that it serves."""

    path: Annotated[RequestPath, Meta(description="Page that answers with a status 200-399.")] = "/"
    within_s: Annotated[
        int, Meta(ge=1, le=3600, description="Time it may take to start, in seconds.")
    ] = 60


class PageRules(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """How the pages of an application are stored for its visitors."""

    queries: Annotated[
        tuple[QueryName, ...],
        Meta(description="Query parameters that change a page; *: all but those that only track."),
    ] = ("*",)
    ignored_cookies: Annotated[
        tuple[CookieName, ...], Meta(description="Cookies that change no page, * at the end open.")
    ] = ()
    life_s: Annotated[
        int,
        Meta(
            ge=0,
            le=31_536_000,
            description="Life of pages whose answer tells none, in seconds; 0: not stored.",
        ),
    ] = 0
    mib: Annotated[
        int,
        Meta(ge=0, le=1_048_576, description="Room for its stored pages, in MiB; 0: none stored."),
    ] = 256
    minify: Annotated[bool, Meta(description="Whether HTML, CSS and JavaScript are minified.")] = (
        False
    )
    images: Annotated[bool, Meta(description="Whether images get WebP and AVIF variants.")] = True


class Hibernation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an application that nobody uses is put to rest."""

    freeze_after_s: Annotated[
        int, Meta(ge=0, le=31_536_000, description="Idle time before it is frozen; 0: never.")
    ] = 300
    sleep_after_s: Annotated[
        int, Meta(ge=0, le=31_536_000, description="Idle time before it is stopped; 0: never.")
    ] = 3600


class VisitorLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much its visitors may ask of a site."""

    requests_per_s: Annotated[
        int, Meta(ge=1, le=100_000, description="Requests per second of one address.")
    ] = 200
    site_requests_per_s: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Requests per second of all addresses.")
    ] = 2000
    crawler_misses_per_minute: Annotated[
        int,
        Meta(ge=0, le=100_000, description="Pages per minute rendered for crawlers alone."),
    ] = 60


class Job(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command that runs on a schedule."""

    name: Annotated[Slug, Meta(description="Key of the job.")]
    schedule: Annotated[
        Schedule, Meta(description="Five cron fields: minute, hour, day, month, day of week.")
    ]
    command: Annotated[Command, Meta(description="Command line, run by the shell.")]
    deadline_s: Annotated[
        int, Meta(ge=1, le=86_400, description="Time after which it is stopped, in seconds.")
    ] = 600


class Application(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A site or service of an organisation."""

    name: Annotated[Slug, Meta(description="Key of the application.")]
    organisation: Annotated[Slug, Meta(description="Organisation that owns it.")]
    title: Annotated[Title, Meta(description="Name that people read.")]
    kind: Annotated[ApplicationKind, Meta(description="What it takes to serve it.")]
    source: Annotated[Source, Meta(description="Where its files come from.")]
    interface: Annotated[
        ServerInterface, Meta(description="How the entry is called (python with entry).")
    ] = ServerInterface.WSGI
    entry: Annotated[Entry, Meta(description="module:callable (python, instead of start).")] = ""
    start: Annotated[
        Command, Meta(description="Command line that serves it (command, or python without entry).")
    ] = ""
    listens: Annotated[
        Listening, Meta(description="Where the started command waits for requests (with start).")
    ] = Listening.SOCKET
    requirements: Annotated[
        RelativePath, Meta(description="File of Python requirements, in the source (python).")
    ] = ""
    public: Annotated[RelativePath, Meta(description="Folder served, in the source (static).")] = (
        "."
    )
    build: Annotated[
        tuple[Command, ...], Meta(description="Commands that build a release, in order.")
    ] = ()
    prepare: Annotated[
        tuple[Command, ...],
        Meta(description="Commands run before a release serves, in order (not static)."),
    ] = ()
    hosts: Annotated[
        tuple[HostName, ...],
        Meta(
            min_length=1,
            description="Host names, the canonical one first; "
            "default: <application>.<organisation domain>.",
        ),
    ] = ()
    redirects: Annotated[
        Mapping[UrlPath, RedirectTarget],
        Meta(description="Paths that lead to another path or to an https URL."),
    ] = {}
    aliases: Annotated[
        tuple[HostName, ...], Meta(description="Host names that lead to the canonical one.")
    ] = ()
    environment: Annotated[
        Mapping[EnvironmentName, EnvironmentValue],
        Meta(description="Environment variables; no secret belongs here."),
    ] = {}
    secrets: Annotated[
        tuple[EnvironmentName, ...],
        Meta(description="Names of the variables whose values are set apart (not static)."),
    ] = ()
    volumes: Annotated[
        tuple[Slug, ...], Meta(description="Folders kept across releases (not static).")
    ] = ()
    database: Annotated[
        bool, Meta(description="Whether it gets a PostgreSQL database (not static).")
    ] = False
    network: Annotated[
        bool, Meta(description="Whether it may open connections to the outside (not static).")
    ] = False
    limits: Annotated[Limits, Meta(description="What it may use at most.")] = Limits()
    health: Annotated[HealthCheck, Meta(description="How it proves that it serves.")] = (
        HealthCheck()
    )
    jobs: Annotated[
        Mapping[Slug, Job], Meta(description="Commands run on a schedule (not static).")
    ] = {}
    pages: Annotated[PageRules, Meta(description="How its pages are stored.")] = PageRules()
    hibernation: Annotated[
        Hibernation, Meta(description="When it is put to rest (not static).")
    ] = Hibernation()
    visitors: Annotated[VisitorLimits, Meta(description="How much visitors may ask of it.")] = (
        VisitorLimits()
    )

    @property
    def canonical_host(self) -> str:
        """The host name that its pages are published under."""
        return self.hosts[0]


class Declarations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a territory is made of, each noun under its key."""

    organisations: Annotated[
        Mapping[Slug, Organisation], Meta(description="Bodies that own applications.")
    ] = {}
    sites: Annotated[Mapping[Slug, Site], Meta(description="Places that house hosts.")] = {}
    hosts: Annotated[Mapping[Slug, Host], Meta(description="Machines.")] = {}
    applications: Annotated[
        Mapping[Slug, Application], Meta(description="Sites and services.")
    ] = {}


class Identity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which territory a file declares."""

    name: Annotated[Slug, Meta(description="Key of the territory.")]
    title: Annotated[Title, Meta(description="Name that people read.")]
    domain: Annotated[HostName, Meta(description="Domain under which organisations get theirs.")]


class IncludedFile(Declarations, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file that a territory file includes."""

    include: Annotated[
        tuple[IncludeGlob, ...],
        Meta(description="Files that declare more, as globs relative to this file."),
    ] = ()


class TerritoryFile(IncludedFile, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file territory.yaml."""

    territory: Annotated[Identity, Meta(description="Which territory this is.")]


class Territory(Declarations, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A territory as declared, every default filled in."""

    name: Slug
    title: Title
    domain: HostName

    @property
    def console_host(self) -> str:
        """The host name of the platform's own console."""
        return f"console.{self.domain}"
