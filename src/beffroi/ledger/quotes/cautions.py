"""What whoever signs a quote must know; pure."""

from collections.abc import Iterator

from beffroi.ledger.cents import plain_eur
from beffroi.ledger.model import Accounts, Explanation, KeyBasis
from beffroi.ledger.quotes.costing import Basis
from beffroi.ledger.quotes.model import Costs, QuoteLine, Totals
from beffroi.ledger.quotes.needs import Charged, HostsBought
from beffroi.ledger.quotes.ports import Placement


def cautions_of(
    basis: Basis, costs: Costs, lines: tuple[QuoteLine, ...], totals: Totals
) -> Iterator[Explanation]:
    """Say what is wrong with a quote, and what it takes for granted; the gravest first."""
    if not basis.placement.joined.holds:
        yield Explanation("quote_proof_fails")
    yield from _of_price(costs, totals)
    yield from _of_plans(basis.placement)
    yield from _of_basis(basis)
    yield from _of_lines(lines)


def _of_price(costs: Costs, totals: Totals) -> Iterator[Explanation]:
    price = totals.year.net_eur
    values = {"price_eur": plain_eur(price)}
    if price < costs.floor_eur:
        yield Explanation("quote_below_floor", {**values, "cost_eur": plain_eur(costs.floor_eur)})
    if price < costs.full_eur:
        yield Explanation("quote_below_full", {**values, "cost_eur": plain_eur(costs.full_eur)})
    if costs.full_eur < costs.floor_eur:
        cost = {"cost_eur": plain_eur(costs.full_eur), "floor_eur": plain_eur(costs.floor_eur)}
        yield Explanation("quote_full_below_floor", cost)
    if totals.once.net_eur < costs.once_eur:
        yield Explanation("quote_setup_unpriced", {"cost_eur": plain_eur(costs.once_eur)})


def _of_plans(placement: Placement) -> Iterator[Explanation]:
    gap = placement.joined.gap + placement.without.gap
    if gap:
        yield Explanation("quote_gap", {"gap": str(gap)})
    if placement.joined.purchase_eur < placement.without.purchase_eur:
        yield Explanation("quote_cheaper_with")
    if not (placement.joined.kwh_known and placement.without.kwh_known):
        yield Explanation("quote_energy_unknown")


def _of_lines(lines: tuple[QuoteLine, ...]) -> Iterator[Explanation]:
    for line in lines:
        if not line.unit_price_eur:
            yield Explanation("quote_line_free", {"designation": line.designation})
    below = [line for line in lines if line.below_cost]
    if below:
        yield Explanation(
            "quote_lines_below_cost", {"lines": ", ".join(line.number for line in below)}
        )
    demand = sum(line.quantity is None for line in lines)
    monthly = [line for line in lines if line.charged is Charged.MONTHLY]
    if all(line.quantity is None for line in monthly):
        yield Explanation("quote_foreseen")
    if demand:
        yield Explanation("quote_on_demand", {"count": str(demand)})


def _of_basis(basis: Basis) -> Iterator[Explanation]:
    needs, keys = basis.needs, basis.accounts.keys
    if needs.terms.hosts_bought is HostsBought.ALREADY:
        title = basis.accounts.costs[needs.terms.hosts_cost].title
        yield Explanation("quote_hosts_already", {"cost": title})
    for basis_kind, field in ((KeyBasis.INHABITANTS, "inhabitants"), (KeyBasis.POSTS, "posts")):
        named = [
            key.title
            for name, key in sorted(keys.items())
            if key.basis is basis_kind and _is_applied(name, basis.accounts)
        ]
        if named and not getattr(needs.buyer, field):
            yield Explanation(f"quote_no_{field}", {"key": named[0]})
    yield Explanation("quote_sizes_not_use")


def _is_applied(name: str, accounts: Accounts) -> bool:
    """Tell whether some cost goes by a key, or by a mixed key that it is part of."""
    asked = {cost.key for cost in accounts.costs.values()}
    seen: set[str] = set()
    while asked - seen:
        one = min(asked - seen)
        seen.add(one)
        asked |= accounts.keys[one].parts.keys()
    return name in seen
