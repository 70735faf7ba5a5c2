"""A quote adds up to the cent, covers its costs, and says when it does not."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.model import AllocationKey, Charging, KeyBasis
from beffroi.ledger.quotes.costing import basis_of, costs_of
from beffroi.ledger.quotes.items import rounded_up
from beffroi.ledger.quotes.model import CostKind, Costs, Quote
from beffroi.ledger.quotes.needs import (
    Besides,
    BuyerLine,
    Charged,
    DirectCost,
    HostsBought,
    Needs,
    PriceItem,
)
from beffroi.ledger.quotes.ports import OrganisationLoad, Placement
from beffroi.ledger.quotes.quoting import quote_of, tenant_body
from tests.support.quotes import (
    OFFICE,
    TENANT,
    drancy_accounts,
    drancy_needs,
    load,
    placement,
    with_terms,
    without_lines,
)

DAY = date(2026, 11, 22)
NEEDS = drancy_needs()
ACCOUNTS = drancy_accounts()


PLACEMENT = placement()
USUAL = quote_of(NEEDS, ACCOUNTS, PLACEMENT, DAY)


def quoted(needs: Needs = NEEDS, found: Placement = PLACEMENT) -> Quote:
    return quote_of(needs, ACCOUNTS, found, DAY)


def costed(needs: Needs, found: Placement = PLACEMENT) -> Costs:
    basis = basis_of(needs, ACCOUNTS, tenant_body(needs, ACCOUNTS), found)
    return costs_of(basis, basis.year_without(), basis.year_sharing())


def codes(quote: Quote) -> set[str]:
    return {warning.code for warning in quote.warnings}


def cents(most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(0, most).map(lambda number: Decimal(number).scaleb(-2))


@st.composite
def asked(draw: st.DrawFn) -> tuple[Needs, OrganisationLoad]:
    """Draw needs with any terms, with the buyer's lines or ours, and a size."""
    needs = with_terms(
        NEEDS,
        margin_percent=draw(cents(3000)),
        vat_percent=draw(st.sampled_from([Decimal(0), Decimal("5.5"), Decimal(20)])),
        hosts_bought=draw(st.sampled_from(HostsBought)),
        direct_costs={one: draw(cents(8000)) for one in DirectCost},
    )
    amounts = {name: draw(cents(100_000)) for name in Besides.__struct_fields__}
    market = msgspec.structs.replace(needs.market, duration_months=draw(st.integers(1, 60)))
    needs = msgspec.structs.replace(needs, besides=Besides(**amounts), market=market)
    if draw(st.booleans()):
        needs = without_lines(needs)
    size = load(TENANT, str(draw(cents(9000))), str(draw(cents(90_000))), "5850")
    return needs, size


@settings(max_examples=8, deadline=None)
@given(asked(), cents(5_000_000))
def test_every_sum_of_a_quote_is_exact_and_no_price_is_below_its_cost(
    wanted: tuple[Needs, OrganisationLoad], added: Decimal
) -> None:
    needs, size = wanted
    quote = quoted(needs, placement(size, added_eur=str(added)))
    monthly, once = (
        sum((line.amount_eur for line in quote.lines if line.charged is charged), Decimal(0))
        for charged in (Charged.MONTHLY, Charged.ONCE)
    )
    totals = quote.totals
    assert totals.month.net_eur == monthly
    assert totals.once.net_eur == once
    assert totals.year.net_eur == 12 * monthly
    assert totals.duration.net_eur == needs.market.duration_months * monthly + once
    assert totals.year.net_eur >= quote.asked_eur >= quote.costs.owed_eur
    assert totals.once.net_eur >= quote.costs.once_eur
    assert quote.relief.total_eur == quote.relief.revenue_eur - quote.relief.added_eur
    for total in (totals.once, totals.month, totals.year, totals.duration):
        assert total.gross_eur == total.net_eur + total.vat_eur
        assert total.vat_eur == round(total.vat_eur, 2)


@settings(max_examples=6, deadline=None)
@given(cents(3_000_000), cents(3_000_000))
def test_more_hosts_to_buy_never_make_a_tenant_cheaper(one: Decimal, more: Decimal) -> None:
    needs = with_terms(NEEDS, hosts_bought=HostsBought.ANEW)
    low = costed(needs, placement(added_eur=str(one)))
    high = costed(needs, placement(added_eur=str(one + more)))
    assert low.floor_eur <= high.floor_eur
    assert low.full_eur <= high.full_eur


@settings(max_examples=6, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_a_tenant_of_more_cores_never_costs_less(cores: int, more: int) -> None:
    small, large = (
        costed(NEEDS, placement(load(TENANT, str(count), "337", "5850")))
        for count in (cores, cores + more)
    )
    assert small.floor_eur <= large.floor_eur
    assert small.full_eur <= large.full_eur


@given(st.fractions(min_value=0, max_value=100_000))
def test_a_unit_price_is_rounded_up_by_less_than_its_last_digit(exact: Fraction) -> None:
    price = Fraction(rounded_up(exact))
    step = Fraction(1, 100 if exact >= 1 else 10_000)
    assert exact <= price < exact + step


def test_the_room_that_is_shared_equally_falls_on_the_tenant_as_on_four() -> None:
    (room,) = (part for part in USUAL.costs.full if part.subject == "room")
    assert room.yearly_eur == pytest.approx(Decimal(14600) / 4, abs=Decimal("0.12"))
    assert (
        room.explanation.values["percent"] in {"25", "25.00", "24.99", "25.01"} or room.yearly_eur
    )


def test_hosts_bought_for_the_tenant_are_written_off_over_the_life_of_the_others() -> None:
    (hosts,) = (part for part in USUAL.costs.marginal if part.kind is CostKind.HOSTS)
    assert hosts.explanation.values["amount_eur"] == "19600.00"
    assert hosts.explanation.values["life_years"] == "5"
    assert hosts.yearly_eur == Decimal("3917.85")


def test_hosts_that_the_accounts_hold_already_are_not_counted_twice_in_the_full_cost() -> None:
    anew, already = (costed(with_terms(NEEDS, hosts_bought=bought)) for bought in HostsBought)
    assert already.full_eur < anew.full_eur
    assert already.floor_eur == anew.floor_eur


def test_a_plan_that_buys_nothing_for_the_tenant_says_so_and_counts_nothing() -> None:
    costs = costed(NEEDS, placement(added_eur="0", upkeep_eur="0"))
    hosts = [part for part in costs.marginal if part.kind in {CostKind.HOSTS, CostKind.UPKEEP}]
    assert [(part.yearly_eur, part.explanation.code) for part in hosts] == [
        (Decimal(0), "quote_no_hosts"),
        (Decimal(0), "quote_no_upkeep"),
    ]


def test_a_price_between_both_costs_is_told_to_be_below_the_full_one() -> None:
    costs = USUAL.costs
    price = (costs.floor_eur + costs.full_eur) / 2
    found = codes(quoted(with_terms(NEEDS, yearly_price_eur=price)))
    assert "quote_below_full" in found
    assert "quote_below_floor" not in found


def test_a_price_below_the_marginal_cost_is_told_to_cost_the_others() -> None:
    quote = quoted(with_terms(NEEDS, yearly_price_eur=Decimal(1000)))
    assert {"quote_below_full", "quote_below_floor"} <= codes(quote)
    assert quote.relief.total_eur < 0


def test_keys_that_bear_less_than_what_the_tenant_makes_spend_do_not_set_the_price() -> None:
    quote = quoted(found=placement(added_eur="500000"))
    assert "quote_full_below_floor" in codes(quote)
    assert quote.totals.year.net_eur >= quote.costs.floor_eur > quote.costs.full_eur


def test_the_present_price_becomes_the_offer_with_the_setup_spread_over_the_years() -> None:
    quote = USUAL
    change = quote.change
    assert change is not None
    assert change.present_duration_eur == 4 * 118000
    assert change.offered_duration_eur == quote.totals.duration.net_eur
    assert change.offered_eur == round(quote.totals.duration.net_eur / 4, 2)
    whole = 100 * (quote.totals.duration.net_eur - 472000) / 472000
    assert change.percent == round(whole, 2)


def test_a_buyer_that_pays_nothing_today_sees_no_percentage() -> None:
    assert quoted(msgspec.structs.replace(NEEDS, present=None)).change is None
    present = msgspec.structs.replace(NEEDS.present, yearly_eur=Decimal(0))  # type: ignore[type-var]
    change = quoted(msgspec.structs.replace(NEEDS, present=present)).change
    assert change is not None
    assert change.percent is None


def test_each_body_is_relieved_by_its_share_of_what_the_tenant_brings() -> None:
    relief = USUAL.relief
    assert [one.body for one in relief.bodies] == ["drancy", "dugny", "le-bourget"]
    assert all(one.relief_eur > 0 for one in relief.bodies)


def test_a_line_on_demand_has_a_price_and_is_in_no_total() -> None:
    quote = USUAL
    (demand,) = (line for line in quote.lines if line.quantity is None)
    assert demand.unit_price_eur > 0
    assert demand.amount_eur == 0
    assert "quote_on_demand" in codes(quote)


def test_a_line_on_demand_covers_its_own_full_cost() -> None:
    (demand,) = (line for line in USUAL.lines if line.quantity is None)
    assert not demand.below_cost


def test_lines_below_their_full_cost_are_told_by_their_numbers() -> None:
    cheap = quoted(with_terms(NEEDS, yearly_price_eur=Decimal(1200)))
    monthly = [line for line in cheap.lines if line.quantity and line.charged is Charged.MONTHLY]
    assert monthly
    assert all(line.below_cost for line in monthly)
    (told,) = (one for one in cheap.warnings if one.code == "quote_lines_below_cost")
    assert set(told.values["lines"].split(", ")) >= {line.number for line in monthly}
    assert "quote_lines_below_cost" not in codes(USUAL)


def test_a_list_all_on_demand_is_foreseen_at_the_price_that_is_asked() -> None:
    line = BuyerLine(designation="VM", contains={PriceItem.CORE: Decimal(2)})
    quote = quoted(without_lines(NEEDS, line))
    assert quote.totals.month.net_eur == round(quote.asked_eur / 12, 2)
    assert "quote_foreseen" in codes(quote)


def test_a_list_that_forgets_the_setup_or_prices_nothing_is_told() -> None:
    free = BuyerLine(
        designation="Certificat", quantity=Decimal(1), contains={PriceItem.BACKUP: Decimal(1)}
    )
    besides = msgspec.structs.replace(NEEDS.besides, backup_gib=Decimal(0))
    needs = msgspec.structs.replace(without_lines(NEEDS, free), besides=besides)
    assert {"quote_setup_unpriced", "quote_line_free", "quote_below_full"} <= codes(quoted(needs))


def test_lines_of_ours_are_those_that_the_tenant_takes() -> None:
    needs = msgspec.structs.replace(without_lines(NEEDS), besides=Besides())
    assert [line.item for line in quoted(needs).lines] == [
        PriceItem.SUBSCRIPTION,
        PriceItem.CORE,
        PriceItem.MEMORY,
        PriceItem.DISK,
    ]


def test_a_cost_goes_to_the_price_that_the_terms_name() -> None:
    everything = {name: {PriceItem.SUBSCRIPTION: Decimal(1)} for name in ACCOUNTS.costs}
    needs = with_terms(
        msgspec.structs.replace(without_lines(NEEDS), besides=Besides()), priced_as=everything
    )
    assert [line.item for line in quoted(needs).lines] == [PriceItem.SUBSCRIPTION]


def test_a_proof_that_fails_is_the_first_thing_to_know() -> None:
    found = placement()
    broken = msgspec.structs.replace(found.joined, holds=False, gap=1, kwh_known=False)
    quote = quoted(found=msgspec.structs.replace(found, joined=broken))
    assert {"quote_proof_fails", "quote_gap", "quote_energy_unknown"} <= codes(quote)
    assert CostKind.ENERGY not in {part.kind for part in quote.costs.marginal}


def test_a_buyer_without_what_a_key_counts_is_told_to_bear_nothing_by_it() -> None:
    buyer = msgspec.structs.replace(NEEDS.buyer, posts=0)
    assert "quote_no_posts" in codes(quoted(msgspec.structs.replace(NEEDS, buyer=buyer)))


def test_a_quote_is_the_same_once_written_and_read_again() -> None:
    quote = USUAL
    assert msgspec.json.decode(msgspec.json.encode(quote), type=Quote) == quote


def test_a_body_that_shares_costs_has_no_price_to_pay() -> None:
    needs = msgspec.structs.replace(NEEDS, organisation="dugny")
    with pytest.raises(InvalidInputError) as refused:
        quoted(needs)
    assert refused.value.code == "ledger.quote_body_shares"


def test_a_buyer_that_the_accounts_do_not_know_is_priced_like_another() -> None:
    needs = msgspec.structs.replace(NEEDS, organisation="hopital")
    found = placement(msgspec.structs.replace(OFFICE, organisation="hopital"))
    quote = quoted(needs, found)
    assert quote.body.name == "hopital"
    assert quote.body.charging is Charging.SHARES_COSTS
    assert quote.costs.full_eur == pytest.approx(USUAL.costs.full_eur, abs=Decimal(1))


def test_terms_that_name_an_unknown_cost_are_refused_with_the_nearest_one() -> None:
    with pytest.raises(InvalidInputError) as refused:
        quoted(with_terms(NEEDS, hosts_cost="blade"))
    assert refused.value.code == "ledger.quote_cost_unknown"
    assert refused.value.values["nearest"] == "blades"


def test_hosts_are_booked_as_an_amortisation() -> None:
    with pytest.raises(InvalidInputError) as refused:
        quoted(with_terms(NEEDS, hosts_cost="licences"))
    assert refused.value.code == "ledger.quote_hosts_not_amortised"


def test_a_key_of_fixed_weights_needs_one_for_the_tenant() -> None:
    weights = {"drancy": Decimal(2), "dugny": Decimal(1), "le-bourget": Decimal(1)}
    fixed = AllocationKey(name="fixed", title="Fixe", basis=KeyBasis.FIXED, weights=weights)
    costs = {
        **ACCOUNTS.costs,
        "room": msgspec.structs.replace(ACCOUNTS.costs["room"], key="fixed"),
    }
    accounts = msgspec.structs.replace(
        ACCOUNTS, keys={**ACCOUNTS.keys, "fixed": fixed}, costs=costs
    )
    with pytest.raises(InvalidInputError) as refused:
        quote_of(NEEDS, accounts, placement(), DAY)
    assert refused.value.code == "ledger.quote_weight_missing"
    needs = with_terms(NEEDS, weights={"fixed": Decimal(4)})
    quote = quote_of(needs, accounts, placement(), DAY)
    (room,) = (part for part in quote.costs.full if part.subject == "room")
    assert room.yearly_eur == pytest.approx(Decimal(7300), abs=Decimal("0.12"))


def test_accounts_whose_costs_nobody_shares_have_no_full_cost() -> None:
    bodies = {TENANT: ACCOUNTS.bodies[TENANT]}
    accounts = msgspec.structs.replace(ACCOUNTS, bodies=bodies)
    with pytest.raises(InvalidInputError) as refused:
        quote_of(NEEDS, accounts, placement(), DAY)
    assert refused.value.code == "ledger.quote_nobody_shares"
