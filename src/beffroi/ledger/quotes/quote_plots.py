"""Plots of a quote: prices beside each other, hosts with and without, how full each is; pure."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from beffroi.kernel.catalogue import Language
from beffroi.kernel.telling import told_euros
from beffroi.ledger.documents.figures import told_number, told_percent
from beffroi.ledger.documents.plots import Bar, BarPlot
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.ports import HostUse, PlatformPlan, Shares
from beffroi.ledger.quotes.wording import quote_word, told_hosts

_PARTS: Final = 1000
_RESOURCES: Final = ("cpu", "memory", "disk")
_MOST_HOSTS: Final = 40


def price_plot(quote: Quote, language: Language) -> tuple[BarPlot, ...]:
    """Draw the buyer's present price beside the offer; nothing where it pays nothing today."""
    change = quote.change
    if change is None or not change.present_eur:
        return ()
    rows = (("present", change.present_eur), ("offered", change.offered_eur))
    parts = [(quote_word(language, f"plots.{key}"), (eur,)) for key, eur in rows]
    names = (quote_word(language, "plots.yearly"),)
    return (_euro_plot("prices", parts, names, language),)


def cost_plot(quote: Quote, language: Language) -> tuple[BarPlot, ...]:
    """Draw what the price holds: what is spent because of the tenant, its share, the margin."""
    costs, price = quote.costs, quote.totals.year.net_eur
    floor, full = costs.floor_eur, costs.full_eur
    rows = [
        (quote_word(language, "plots.floor"), (floor, Decimal(0), Decimal(0))),
        (quote_word(language, "plots.full"), (min(floor, full), max(full - floor, Decimal(0)))),
        (
            quote_word(language, "plots.price"),
            (
                min(floor, price),
                max(min(full, price) - floor, Decimal(0)),
                max(price - max(full, floor), Decimal(0)),
            ),
        ),
    ]
    if quote.change is not None:
        nothing = Decimal(0)
        present = (nothing, nothing, nothing, quote.change.present_eur)
        rows.append((quote_word(language, "plots.present"), present))
    names = tuple(
        quote_word(language, f"plots.parts.{key}")
        for key in ("marginal", "fixed", "margin", "present")[: 4 if quote.change else 3]
    )
    return (_euro_plot("costs", rows, names, language),)


def hosts_plot(quote: Quote, language: Language) -> BarPlot:
    """Draw the hosts without and with the tenant, those kept free apart."""
    plans = (("without", quote.placement.without), ("joined", quote.placement.joined))
    top = max(len(plan.hosts) for _, plan in plans) or 1
    bars = tuple(
        Bar(
            quote_word(language, f"plots.{key}"),
            _host_parts(plan, top),
            told_hosts(len(plan.hosts), language),
        )
        for key, plan in plans
    )
    names = tuple(quote_word(language, f"plots.{key}") for key in ("working", "spare"))
    return _plot("hosts", names, bars, (told_hosts(top, language), "0"), language)


def use_plots(quote: Quote, language: Language) -> tuple[BarPlot, ...]:
    """Draw how full each host is with the tenant, one plot for each resource."""
    hosts = quote.placement.joined.hosts[:_MOST_HOSTS]
    names = (quote_word(language, "plots.others"), quote.body.title)
    ends = (told_percent(Decimal(100), language), told_percent(Decimal(0), language))
    return tuple(
        _plot(
            resource,
            names,
            tuple(_use_bar(host, resource, language) for host in hosts),
            ends,
            language,
        )
        for resource in _RESOURCES
    )


def _use_bar(host: HostUse, resource: str, language: Language) -> Bar:
    others, tenant = _percent(host.others, resource), _percent(host.tenant, resource)
    # Names end in a number as a rule; the whole one is in the text for those who do not see.
    label = host.host.rpartition("-")[2] or host.host
    if host.spare:
        label = f"{label} ({quote_word(language, 'plots.spare_mark')})"
    told = f"{told_number(others, language)} + {told_percent(tenant, language)}"
    return Bar(label, (int(10 * others), int(10 * tenant)), told)


def _percent(shares: Shares, resource: str) -> Decimal:
    return {"cpu": shares.cpu, "memory": shares.memory, "disk": shares.disk}[resource]


def _host_parts(plan: PlatformPlan, top: int) -> tuple[int, int]:
    working = len(plan.hosts) - plan.spares
    return (_PARTS * working // top, _PARTS * plan.spares // top)


def _euro_plot(
    key: str,
    rows: Sequence[tuple[str, tuple[Decimal, ...]]],
    names: tuple[str, ...],
    language: Language,
) -> BarPlot:
    sums = [sum(parts, Decimal(0)) for _, parts in rows]
    top = max(sums) or Decimal(1)
    bars = tuple(
        Bar(label, tuple(int(_PARTS * part / top) for part in parts), told_euros(total, language))
        for (label, parts), total in zip(rows, sums, strict=True)
    )
    ends = (told_euros(top, language, cents=False), told_euros(Decimal(0), language, cents=False))
    return _plot(key, names, bars, ends, language)


def _plot(
    key: str,
    names: tuple[str, ...],
    bars: tuple[Bar, ...],
    ends: tuple[str, str],
    language: Language,
) -> BarPlot:
    title = quote_word(language, f"plots.{key}")
    told = "; ".join(f"{bar.label}: {bar.told}" for bar in bars)
    return BarPlot(title, names, *ends, f"{title}. {told}", bars)
