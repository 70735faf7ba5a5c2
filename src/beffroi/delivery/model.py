"""What visitors should find, and the steps that lead there; pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from beffroi.delivery.sites import Sites
from beffroi.territory.model import Application, Territory

LOCAL_ISSUER: Final = "local"
UNKNOWN: Final = "unknown"
CONSOLE: Final = "_console"
# Names that never reach a public name server: RFC 6761, RFC 8375, ICANN SAC 113 for "internal";
# "lan" is what home routers use.
LOCAL_SUFFIXES: Final = ("localhost", "test", "internal", "lan", "home.arpa")
_HTTPS_PORT: Final = 443
_RENEWAL_MOST: Final = timedelta(days=30)


class AcmeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The certificate authority that public names are asked of.

    Attributes:
        directory: URL of its ACME directory.
        contact: Address that it warns; may be empty.
        ca_bundle: File of the roots that the directory's own TLS is checked with.
    """

    directory: str
    contact: str = ""
    ca_bundle: Path | None = None


class DeliverySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where visitors are answered.

    Attributes:
        addresses: IP addresses to listen on.
        console_host: Host name of the platform's own console.
        exchange_sockets: Where processes answer the exchange's door, below that host name.
    """

    addresses: tuple[str, ...]
    http_port: int
    https_port: int
    console_host: str
    acme: AcmeSettings | None = None
    exchange_sockets: tuple[Path, ...] = ()

    @property
    def port_suffix(self) -> str:
        """Return what follows a host name in an address; nothing for the usual port."""
        return "" if self.https_port == _HTTPS_PORT else f":{self.https_port}"

    def url(self, host: str) -> str:
        """Return the address of a host's first page."""
        return f"https://{host}{self.port_suffix}/"


class WantedCertificate(msgspec.Struct, frozen=True):
    """A certificate that should be there; its name is also its files' name."""

    name: str
    names: tuple[str, ...]
    issuer: str


class Redirect(msgspec.Struct, frozen=True):
    """A path of a host that leads elsewhere."""

    host: str
    path: str
    target: str


class Naming(msgspec.Struct, frozen=True):
    """Which certificate answers for which name.

    Attributes:
        wildcard_domains: Domains whose one certificate answers for every name right below.
        public_domains: Domains where each host has a certificate of its own.
        single_hosts: Hosts with a certificate of their own that no domain above tells.
    """

    wildcard_domains: tuple[str, ...]
    public_domains: tuple[str, ...]
    single_hosts: tuple[str, ...]


class Wanted(msgspec.Struct, frozen=True):
    """What the territory asks of delivery."""

    certificates: Mapping[str, WantedCertificate]
    naming: Naming
    routes: Mapping[str, str]
    aliases: Mapping[str, str]
    redirects: tuple[Redirect, ...]
    applications: tuple[Application, ...]


class KeptCertificate(msgspec.Struct, frozen=True):
    """A certificate as PostgreSQL keeps it, its chain and key left out."""

    name: str
    names: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime
    digest: str


class Snapshot(msgspec.Struct, frozen=True):
    """The world, and what was decided.

    Attributes:
        placed: Digest of the chain in each certificate file that has its key beside it.
        configuration: The text that the web server should run on.
        sites: What the filler should know.
        told: What the filler was told; nothing before the first time.
    """

    now: datetime
    wanted: Wanted
    kept: Mapping[str, KeptCertificate]
    placed: Mapping[str, str]
    served: Mapping[str, str]
    pages_written: bool
    configuration: str
    configured: bool
    sites: Sites
    told: Sites | None


class WritePages(msgspec.Struct, frozen=True):
    """Write the platform's own pages for visitors."""

    @property
    def subject(self) -> str:
        """Name what the step acts on."""
        return "visitor pages"


class IssueCertificate(msgspec.Struct, frozen=True):
    """Have a certificate issued and keep it."""

    name: str
    names: tuple[str, ...]
    issuer: str

    @property
    def subject(self) -> str:
        """Name what the step acts on."""
        return f"certificate {self.name}"


class PlaceCertificate(msgspec.Struct, frozen=True):
    """Write a kept certificate where the web server reads it."""

    name: str

    @property
    def subject(self) -> str:
        """Name what the step acts on: a failing issuer must not hold back the file."""
        return f"certificate file {self.name}"


class RemoveCertificate(msgspec.Struct, frozen=True):
    """Remove a certificate that nobody needs any more."""

    name: str

    @property
    def subject(self) -> str:
        """Name what the step acts on."""
        return f"certificate {self.name}"


class PublishRoutes(msgspec.Struct, frozen=True):
    """Make exactly these host names lead to these applications."""

    routes: Mapping[str, str]

    @property
    def subject(self) -> str:
        """Name what the step acts on."""
        return "routes"


class Configure(msgspec.Struct, frozen=True):
    """Have the web server take a configuration."""

    text: str

    @property
    def subject(self) -> str:
        """Name what the step acts on."""
        return "configuration"


class TellFiller(msgspec.Struct, frozen=True):
    """Tell the filler of the sites."""

    sites: Sites

    @property
    def subject(self) -> str:
        """Name what the step acts on."""
        return "filler"


DeliveryStep = (
    WritePages
    | IssueCertificate
    | PlaceCertificate
    | RemoveCertificate
    | PublishRoutes
    | Configure
    | TellFiller
)


def is_local(name: str) -> bool:
    """Tell whether a name has no meaning outside its own network."""
    return any(name == suffix or name.endswith(f".{suffix}") for suffix in LOCAL_SUFFIXES)


def wanted_state(territory: Territory, settings: DeliverySettings) -> Wanted:
    """Tell what a territory asks of delivery."""
    routes: dict[str, str] = {}
    aliases: dict[str, str] = {}
    redirects: list[Redirect] = []
    for application in territory.applications.values():
        routes.update(dict.fromkeys(application.hosts, application.name))
        aliases.update(dict.fromkeys(application.aliases, application.canonical_host))
        redirects.extend(
            Redirect(host, path, target)
            for host in application.hosts
            for path, target in application.redirects.items()
        )
    routes[settings.console_host] = CONSOLE
    domains = {territory.domain, *(owner.domain for owner in territory.organisations.values())}
    hosts = sorted({*routes, *aliases})
    naming = _naming(domains, hosts)
    return Wanted(
        certificates=_wanted_certificates(naming, hosts, settings.acme),
        naming=naming,
        routes=dict(sorted(routes.items())),
        aliases=dict(sorted(aliases.items())),
        redirects=tuple(sorted(redirects, key=lambda one: (one.host, one.path))),
        applications=tuple(one for _, one in sorted(territory.applications.items())),
    )


def certificate_name(host: str, naming: Naming) -> str:
    """Return the name of the certificate that answers for a host."""
    return _covering(host, set(naming.wildcard_domains)) or host


def planned_steps(snapshot: Snapshot) -> Sequence[DeliveryStep]:
    """Tell the steps to take: first what needs nobody else, public certificates last."""
    issues = tuple(_planned_issues(snapshot))
    steps: list[DeliveryStep] = []
    if not snapshot.pages_written:
        steps.append(WritePages())
    steps.extend(issue for issue in issues if issue.issuer == LOCAL_ISSUER)
    steps.extend(
        PlaceCertificate(name)
        for name in snapshot.wanted.certificates
        if name in snapshot.kept and snapshot.placed.get(name) != snapshot.kept[name].digest
    )
    if snapshot.served != snapshot.wanted.routes:
        steps.append(PublishRoutes(snapshot.wanted.routes))
    if not snapshot.configured:
        steps.append(Configure(snapshot.configuration))
    # A header set is told of once nginx knows it.
    if snapshot.told is None or (snapshot.configured and snapshot.told != snapshot.sites):
        steps.append(TellFiller(snapshot.sites))
    steps.extend(issue for issue in issues if issue.issuer != LOCAL_ISSUER)
    steps.extend(_planned_removals(snapshot))
    return steps


def renewal_due(kept: KeptCertificate, now: datetime) -> bool:
    """Tell whether a third of a certificate's life, 30 days at most, is all that is left."""
    lifetime = kept.not_after - kept.not_before
    return now >= kept.not_after - min(lifetime / 3, _RENEWAL_MOST)


def _naming(domains: set[str], hosts: Sequence[str]) -> Naming:
    # Browsers refuse a wildcard right below a name of one label, such as *.localhost.
    wildcards = {domain for domain in domains if is_local(domain) and "." in domain}
    public = {domain for domain in domains if not is_local(domain)}
    singles = {
        host for host in hosts if not _covering(host, wildcards) and not _below(host, public)
    }
    return Naming(tuple(sorted(wildcards)), tuple(sorted(public)), tuple(sorted(singles)))


def _covering(host: str, wildcards: set[str]) -> str | None:
    """Return the domain whose wildcard certificate answers for a host."""
    parent = host.partition(".")[2]
    return next((domain for domain in (host, parent) if domain in wildcards), None)


def _below(host: str, domains: set[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def _wanted_certificates(
    naming: Naming, hosts: Sequence[str], acme: AcmeSettings | None
) -> dict[str, WantedCertificate]:
    wildcards = set(naming.wildcard_domains)
    wanted = [WantedCertificate(UNKNOWN, (f"{UNKNOWN}.invalid",), LOCAL_ISSUER)]
    wanted.extend(
        WantedCertificate(domain, (domain, f"*.{domain}"), LOCAL_ISSUER)
        for domain in naming.wildcard_domains
    )
    for host in hosts:
        if _covering(host, wildcards) is None:
            issuer = LOCAL_ISSUER if acme is None or is_local(host) else acme.directory
            wanted.append(WantedCertificate(host, (host,), issuer))
    return {certificate.name: certificate for certificate in wanted}


def _planned_issues(snapshot: Snapshot) -> Iterator[IssueCertificate]:
    for name, wanted in snapshot.wanted.certificates.items():
        issuer = _issuer_due(wanted, snapshot.kept.get(name), snapshot.now)
        if issuer is not None:
            yield IssueCertificate(name, wanted.names, issuer)


def _issuer_due(
    wanted: WantedCertificate, kept: KeptCertificate | None, now: datetime
) -> str | None:
    """Tell who issues now; a local certificate comes first, so that a handshake succeeds."""
    if kept is None or kept.names != wanted.names:
        return LOCAL_ISSUER
    improves = wanted.issuer not in {kept.issuer, LOCAL_ISSUER}
    return wanted.issuer if improves or renewal_due(kept, now) else None


def _planned_removals(snapshot: Snapshot) -> Iterator[RemoveCertificate]:
    """Keep what is unwanted until it expires: a site that comes back needs no new one."""
    for name in sorted({*snapshot.kept, *snapshot.placed} - snapshot.wanted.certificates.keys()):
        kept = snapshot.kept.get(name)
        if kept is None or kept.not_after <= snapshot.now:
            yield RemoveCertificate(name)
