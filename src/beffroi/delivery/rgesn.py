"""The criteria of the RGESN 2024 that the platform can prove for a site; pure.

Numbers and ways of testing are those of the reference that Arcep, Arcom, ADEME and DINUM published
in May 2024 (https://ecoresponsable.numerique.gouv.fr). A criterion that wants a document of the
site's owner is answered with what the platform knows, and left to the owner.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from beffroi.delivery.variants import AVIF_QUALITY, WEBP_QUALITY
from beffroi.kernel.catalogue import Language, sentence

# Bounds that the criteria themselves set.
_LEAST_MODERN_IMAGES: Final = 0.75
_PUE_BOUND: Final = 1.5
_MOST_WUE_L_PER_KWH: Final = 0.4
_GRID_BOUND_GCO2E_PER_KWH: Final = 100
_GRID_BOUND_FROM_2030: Final = 80
# «All» of a criterion leaves room for answers that a site makes for one visitor alone.
_NEARLY_ALL: Final = 0.95
# «The most used» data come from the store when most answers do.
_MOST: Final = 0.5
# The limits of a page that the EcoIndex aims at: https://github.com/cnumr/ecoindex_reference
MOST_PAGE_KILOBYTES: Final = 1024
MOST_PAGE_REQUESTS: Final = 40


class Verdict(StrEnum):
    """What can be said of a criterion."""

    MET = "met"
    NOT_MET = "not_met"
    NOT_PROVABLE = "not_provable"


class Hosting(msgspec.Struct, frozen=True, kw_only=True):
    """What the keeper of the machines declares; ``None`` where nothing is.

    Attributes:
        pue: Power usage effectiveness, measured over a year.
        wue_l_per_kwh: Water usage effectiveness.
        country: Where the machines stand.
        grid_gco2e_per_kwh: Yearly mean of that country's electricity.
    """

    pue: float | None = None
    wue_l_per_kwh: float | None = None
    country: str = ""
    grid_gco2e_per_kwh: float | None = None


class SiteEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of a site; shares are from 0 to 1, ``None`` where nothing was seen.

    Attributes:
        year: The year of the statement; some bounds change with it.
        answers: Answers to visitors over the interval.
        from_store_share: Answers that came from the page store.
        purges: Invalidations over the interval.
        compressed_share: Bytes of texts that travelled compressed.
        revalidated_share: Stored answers that a browser may keep or ask again by their ETag.
        modern_image_share: Stored raster images that have a WebP or AVIF form.
        ipv6: The site answers over IPv6.
        other_hosts: Hosts that its pages fetch from, other than its own.
        heaviest_page_bytes: What its heaviest page transfers, as far as known.
        most_requests: Those of its page that makes the most.
        hibernates: Its application is put to sleep when nobody uses it.
        asleep_share: Time over the interval that it slept or was frozen.
        results_published: Its measured consumption is on a public page.
        log_retention_days: How long the platform keeps its journals.
    """

    year: int
    answers: int
    from_store_share: float | None = None
    purges: int = 0
    compressed_share: float | None = None
    revalidated_share: float | None = None
    modern_image_share: float | None = None
    ipv6: bool = False
    other_hosts: tuple[str, ...] = ()
    heaviest_page_bytes: int | None = None
    most_requests: int | None = None
    hibernates: bool = False
    asleep_share: float = 0
    results_published: bool = False
    log_retention_days: int | None = None
    hosting: Hosting = Hosting()


Values = Mapping[str, int | float | str]
Judgement = tuple[Verdict, Values]


class Finding(msgspec.Struct, frozen=True):
    """What the platform says of one criterion."""

    number: str
    verdict: Verdict
    values: Values

    def wording(self, language: Language) -> str:
        """Return the criterion itself, shortened."""
        return sentence(language, f"delivery.rgesn.{_entry(self.number)}.wording")

    def evidence(self, language: Language) -> str:
        """Return the sentence that goes with the verdict."""
        key = f"delivery.rgesn.{_entry(self.number)}.{self.verdict}"
        return sentence(language, key, **self.values)


def findings(evidence: SiteEvidence) -> tuple[Finding, ...]:
    """Judge each criterion that the platform knows something of, in their order."""
    return tuple(Finding(number, *judged(evidence)) for number, judged in _CRITERIA.items())


def _entry(number: str) -> str:
    return number.replace(".", "_")


def _by_bound(*, met: bool, **values: float | str) -> Judgement:
    return (Verdict.MET if met else Verdict.NOT_MET), values


_UNKNOWN: Final[Judgement] = (Verdict.NOT_PROVABLE, {})


def _goals(evidence: SiteEvidence) -> Judgement:
    """Judge 1.5: consumption is measured here, goals are the owner's to set."""
    if not evidence.results_published:
        return Verdict.NOT_MET, {}
    return Verdict.NOT_PROVABLE, {}


def _elasticity(evidence: SiteEvidence) -> Judgement:
    return _by_bound(met=evidence.hibernates, percent=_percent(evidence.asleep_share))


def _protocols(evidence: SiteEvidence) -> Judgement:
    """Judge 3.3: nothing is known of the protocols of others that a page calls."""
    if not evidence.ipv6:
        return Verdict.NOT_MET, {}
    return _alone(evidence)


def _alone(evidence: SiteEvidence) -> Judgement:
    """Tell whether pages were weighed and none calls another host."""
    if evidence.other_hosts or evidence.heaviest_page_bytes is None:
        return Verdict.NOT_PROVABLE, {"hosts": ", ".join(evidence.other_hosts) or "-"}
    return Verdict.MET, {}


def _image_formats(evidence: SiteEvidence) -> Judgement:
    share = evidence.modern_image_share
    if share is None:
        return _UNKNOWN
    return _by_bound(met=share > _LEAST_MODERN_IMAGES, percent=_percent(share))


def _image_compression(evidence: SiteEvidence) -> Judgement:
    share = evidence.modern_image_share
    if share is None:
        return _UNKNOWN
    return _by_bound(met=share > _LEAST_MODERN_IMAGES, webp=WEBP_QUALITY, avif=AVIF_QUALITY)


def _page_limits(evidence: SiteEvidence) -> Judgement:
    if evidence.heaviest_page_bytes is None or evidence.most_requests is None:
        return _UNKNOWN
    kilobytes = round(evidence.heaviest_page_bytes / 1000)
    return _by_bound(
        met=kilobytes <= MOST_PAGE_KILOBYTES and evidence.most_requests <= MOST_PAGE_REQUESTS,
        kilobytes=kilobytes,
        requests=evidence.most_requests,
        most_kilobytes=MOST_PAGE_KILOBYTES,
        most_requests=MOST_PAGE_REQUESTS,
    )


def _browser_cache(evidence: SiteEvidence) -> Judgement:
    share = evidence.revalidated_share
    if share is None:
        return _UNKNOWN
    return _by_bound(met=share >= _NEARLY_ALL, percent=_percent(share))


def _compression(evidence: SiteEvidence) -> Judgement:
    share = evidence.compressed_share
    if share is None:
        return _UNKNOWN
    return _by_bound(met=share >= _NEARLY_ALL, percent=_percent(share))


def _server_cache(evidence: SiteEvidence) -> Judgement:
    share = evidence.from_store_share
    if share is None or not evidence.answers:
        return _UNKNOWN
    return _by_bound(
        met=share >= _MOST,
        percent=_percent(share),
        answers=evidence.answers,
        purges=evidence.purges,
    )


def _retention(evidence: SiteEvidence) -> Judgement:
    """Judge 7.2: the platform bounds its journals; the site's data are its owner's."""
    if evidence.log_retention_days is None:
        return Verdict.NOT_MET, {}
    return Verdict.NOT_PROVABLE, {"days": evidence.log_retention_days}


def _power_effectiveness(evidence: SiteEvidence) -> Judgement:
    pue = evidence.hosting.pue
    return _UNKNOWN if pue is None else _by_bound(met=pue < _PUE_BOUND, pue=pue)


def _water_effectiveness(evidence: SiteEvidence) -> Judgement:
    wue = evidence.hosting.wue_l_per_kwh
    return _UNKNOWN if wue is None else _by_bound(met=wue <= _MOST_WUE_L_PER_KWH, wue=wue)


def _place(evidence: SiteEvidence) -> Judgement:
    grid = evidence.hosting.grid_gco2e_per_kwh
    if grid is None or not evidence.hosting.country:
        return _UNKNOWN
    bound = _GRID_BOUND_GCO2E_PER_KWH if evidence.year < 2030 else _GRID_BOUND_FROM_2030
    return _by_bound(met=grid < bound, grid=grid, bound=bound, country=evidence.hosting.country)


def _percent(share: float) -> int:
    """Round down: a share just below a bound must not read as the bound."""
    return int(share * 100)


_CRITERIA: Final[Mapping[str, Callable[[SiteEvidence], Judgement]]] = {
    "1.5": _goals,
    "3.2": _elasticity,
    "3.3": _protocols,
    "5.1": _image_formats,
    "5.2": _image_compression,
    "6.1": _page_limits,
    "6.2": _browser_cache,
    "6.3": _compression,
    # Only the owner knows which of the other hosts are its own.
    "6.7": _alone,
    "7.1": _server_cache,
    "7.2": _retention,
    "8.3": _power_effectiveness,
    "8.4": _water_effectiveness,
    "8.6": _place,
}
