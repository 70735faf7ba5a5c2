"""Keys: shares that add up to 1, cents that add up to the cost, floors and ceilings."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beffroi.kernel.errors import InvalidInputError
from beffroi.ledger.allocation import KeyShares, KeyUse, bounded, key_shares, shares_of
from beffroi.ledger.cents import euros, rounded_half_up, settled, shared_out
from beffroi.ledger.model import AllocationKey, Body, BodyKind, KeyBasis, UsageUnit

CORES, MEMORY = UsageUnit.CPU_CORE_H, UsageUnit.MEMORY_GIB_H
NAMES = ("aubin", "bosc", "caux", "dieppe", "eu")
MICRO = st.integers(0, 10**12).map(lambda millionths: Fraction(millionths, 10**6))
WEIGHTS = st.lists(MICRO, min_size=1, max_size=5).map(
    lambda weights: dict(zip(NAMES, weights, strict=False))
)
PARTS = st.integers(0, 1000).map(lambda thousandths: Fraction(thousandths, 1000))
CENTS = st.integers(-(10**12), 10**12)


def _body(name: str, inhabitants: int = 0, posts: int = 0) -> Body:
    return Body(
        name=name,
        title=name.title(),
        kind=BodyKind.COMMUNE,
        organisations=(name,),
        siret="21931111500014",
        inhabitants=inhabitants,
        posts=posts,
    )


def _key(name: str, basis: KeyBasis, **fields: object) -> AllocationKey:
    return AllocationKey(name=name, title=name, basis=basis, **fields)  # type: ignore[arg-type]


def _applied(
    name: str,
    *keys: AllocationKey,
    bodies: tuple[Body, ...] = (_body("aubin", 100, 1), _body("bosc", 300, 1)),
    usage: Mapping[str, Mapping[UsageUnit, Decimal]] | None = None,
) -> KeyShares:
    sharers = {body.name: body for body in bodies}
    return key_shares(name, KeyUse({key.name: key for key in keys}, sharers, usage or {}))


def _codes(found: KeyShares, name: str) -> list[str]:
    told = found.bodies[name].explanation
    return [told.code, *(part.code for part in told.parts)]


@given(CENTS, WEIGHTS)
def test_shared_cents_add_up_to_the_amount(cents: int, weights: dict[str, Fraction]) -> None:
    amount = euros(cents)
    assert sum(shared_out(amount, shares_of(weights)).values()) == amount


@given(CENTS, WEIGHTS)
def test_nobody_is_a_cent_away_from_the_exact_share(
    cents: int, weights: dict[str, Fraction]
) -> None:
    shares = shares_of(weights)
    for name, amount in shared_out(euros(cents), shares).items():
        assert abs(Fraction(amount) * 100 - cents * shares[name]) < 1


@given(CENTS, WEIGHTS)
def test_a_revenue_is_shared_as_a_cost_of_its_size(
    cents: int, weights: dict[str, Fraction]
) -> None:
    shares = shares_of(weights)
    spent, got = shared_out(euros(cents), shares), shared_out(euros(-cents), shares)
    assert got == {name: -amount for name, amount in spent.items()}


@given(CENTS, WEIGHTS, st.randoms())
def test_the_order_of_bodies_changes_nothing(
    cents: int, weights: dict[str, Fraction], random: st.DataObject
) -> None:
    names = list(weights)
    random.shuffle(names)  # type: ignore[attr-defined]
    again = {name: weights[name] for name in names}
    assert shared_out(euros(cents), shares_of(again)) == shared_out(
        euros(cents), shares_of(weights)
    )


def test_the_cents_left_go_to_the_largest_remainders() -> None:
    shares = shares_of({"aubin": Fraction(50), "bosc": Fraction(29), "caux": Fraction(21)})
    assert shared_out(Decimal("0.10"), shares) == {
        "aubin": Decimal("0.05"),
        "bosc": Decimal("0.03"),
        "caux": Decimal("0.02"),
    }


def test_equal_remainders_are_settled_by_name() -> None:
    shares = dict.fromkeys(("caux", "aubin", "bosc"), Fraction(1, 3))
    assert shared_out(Decimal("0.02"), shares) == {
        "caux": Decimal("0.00"),
        "aubin": Decimal("0.01"),
        "bosc": Decimal("0.01"),
    }


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [(Fraction(1, 2), 1), (Fraction(-1, 2), -1), (Fraction(49, 100), 0), (Fraction(-3, 2), -2)],
)
def test_a_half_is_rounded_away_from_nothing(exact: Fraction, rounded: int) -> None:
    assert rounded_half_up(exact) == rounded


def test_settled_numbers_of_both_signs_keep_their_sum() -> None:
    exact = {"aubin": Fraction(-7, 2), "bosc": Fraction(9, 2), "caux": Fraction(1)}
    assert sum(settled(exact).values()) == 2


@given(WEIGHTS, PARTS, PARTS)
def test_floor_and_ceiling_are_obeyed_and_all_is_shared(
    weights: dict[str, Fraction], low: Fraction, high: Fraction
) -> None:
    even = Fraction(1, len(weights))
    floor, ceiling = low * even, even + high * (1 - even)
    shares = bounded(weights, floor, ceiling)
    assert sum(shares.values()) == 1
    assert all(floor <= share <= ceiling for share in shares.values())


@given(WEIGHTS, PARTS, PARTS)
def test_who_is_on_no_bound_pays_by_weight(
    weights: dict[str, Fraction], low: Fraction, high: Fraction
) -> None:
    even = Fraction(1, len(weights))
    floor, ceiling = low * even, even + high * (1 - even)
    shares = bounded(weights, floor, ceiling)
    free = {name for name, share in shares.items() if floor < share < ceiling}
    prices = {shares[name] / weights[name] for name in free if weights[name]}
    assert len(prices) <= 1
    for name, share in shares.items():
        for other in free & {one for one in weights if weights[one]}:
            by_weight = weights[name] * shares[other] / weights[other]
            assert share == min(max(by_weight, floor), ceiling)


@given(WEIGHTS, CENTS, st.integers(0, 100), st.integers(0, 100))
def test_floor_and_ceiling_hold_to_the_cent(
    weights: dict[str, Fraction], cents: int, low: int, high: int
) -> None:
    count = len(weights)
    floor = Fraction(low, 100 * count)
    ceiling = Fraction(1, count) + Fraction(high, 100) * (1 - Fraction(1, count))
    for amount in shared_out(euros(cents), bounded(weights, floor, ceiling)).values():
        paid = abs(Fraction(amount)) * 100
        assert floor * abs(cents) - 1 < paid < ceiling * abs(cents) + 1


def test_a_ceiling_moves_the_rest_to_the_others_by_weight() -> None:
    weights = {"aubin": Fraction(90), "bosc": Fraction(6), "caux": Fraction(4)}
    assert bounded(weights, Fraction(0), Fraction(1, 2)) == {
        "aubin": Fraction(1, 2),
        "bosc": Fraction(3, 10),
        "caux": Fraction(2, 10),
    }


def test_what_a_ceiling_frees_goes_even_to_those_who_weigh_nothing() -> None:
    weights = {"aubin": Fraction(1), "bosc": Fraction(0), "caux": Fraction(0)}
    assert bounded(weights, Fraction(0), Fraction(3, 5)) == {
        "aubin": Fraction(3, 5),
        "bosc": Fraction(1, 5),
        "caux": Fraction(1, 5),
    }


def test_inhabitants_are_units_of_operation() -> None:
    found = _applied("heads", _key("heads", KeyBasis.INHABITANTS))
    assert (found.unit, found.all_units) == ("inhabitant", Decimal(400))
    assert found.shares == {"aubin": Fraction(1, 4), "bosc": Fraction(3, 4)}
    assert found.bodies["bosc"].explanation.values["units"] == "300"


def test_an_equal_key_counts_bodies() -> None:
    found = _applied("even", _key("even", KeyBasis.EQUAL))
    assert found.shares == {"aubin": Fraction(1, 2), "bosc": Fraction(1, 2)}
    assert found.all_units == 2


def test_fixed_weights_may_leave_a_body_out() -> None:
    weights = {"aubin": Decimal(0), "bosc": Decimal(2)}
    found = _applied("set", _key("set", KeyBasis.FIXED, weights=weights))
    assert found.shares == {"aubin": 0, "bosc": 1}


def test_use_of_one_unit_is_told_in_that_unit() -> None:
    usage = {"aubin": {CORES: Decimal("1.5")}, "bosc": {CORES: Decimal("4.5")}}
    key = _key("use", KeyBasis.USAGE, units={CORES: Decimal(1)})
    found = _applied("use", key, usage=usage)
    assert (found.unit, found.all_units) == ("cpu_core_h", Decimal(6))
    assert found.shares["aubin"] == Fraction(1, 4)


def test_several_units_weigh_as_shares_and_not_as_sums() -> None:
    usage = {
        "aubin": {CORES: Decimal(1), MEMORY: Decimal(0)},
        "bosc": {CORES: Decimal(3), MEMORY: Decimal(1000)},
    }
    key = _key("use", KeyBasis.USAGE, units={CORES: Decimal(3), MEMORY: Decimal(1)})
    found = _applied("use", key, usage=usage)
    assert found.unit == "percent"
    assert found.shares["aubin"] == Fraction(3, 4) * Fraction(1, 4)
    assert found.bodies["aubin"].units == Decimal("18.75")


def test_a_unit_that_nobody_used_counts_for_nothing() -> None:
    usage = {"aubin": {CORES: Decimal(1)}, "bosc": {CORES: Decimal(3)}}
    key = _key("use", KeyBasis.USAGE, units={CORES: Decimal(1), MEMORY: Decimal(9)})
    assert _applied("use", key, usage=usage).shares["aubin"] == Fraction(1, 4)


def test_no_use_at_all_is_shared_equally_and_told() -> None:
    key = _key("use", KeyBasis.USAGE, units={CORES: Decimal(1)})
    found = _applied("use", key)
    assert found.shares == {"aubin": Fraction(1, 2), "bosc": Fraction(1, 2)}
    assert _codes(found, "aubin") == ["key_unused"]


def test_a_mixed_key_weighs_the_shares_of_others() -> None:
    keys = (
        _key("heads", KeyBasis.INHABITANTS),
        _key("even", KeyBasis.EQUAL),
        _key("mixed", KeyBasis.MIXED, parts={"heads": Decimal(3), "even": Decimal(1)}),
    )
    found = _applied("mixed", *keys)
    assert found.shares["aubin"] == Fraction(3, 4) * Fraction(1, 4) + Fraction(1, 8)
    assert _codes(found, "aubin") == ["key_mixed", "key_part", "key_part"]


def test_a_share_on_a_bound_says_so_and_who_makes_room_too() -> None:
    bodies = (_body("aubin", 1), _body("bosc", 30), _body("caux", 69))
    key = _key("heads", KeyBasis.INHABITANTS, floor_percent=Decimal(10))
    found = _applied("heads", key, bodies=bodies)
    assert found.shares["aubin"] == Fraction(1, 10)
    assert _codes(found, "aubin") == ["key_inhabitants", "key_at_floor"]
    assert _codes(found, "caux") == ["key_inhabitants", "key_makes_room"]


@pytest.mark.parametrize(("floor", "ceiling"), [("51", "100"), ("0", "49.9"), ("40", "30")])
def test_bounds_that_cannot_hold_are_refused(floor: str, ceiling: str) -> None:
    bounds = {"floor_percent": Decimal(floor), "ceiling_percent": Decimal(ceiling)}
    with pytest.raises(InvalidInputError) as raised:
        _applied("even", _key("even", KeyBasis.EQUAL, **bounds))
    assert raised.value.code == "ledger.bounds_infeasible"
    assert raised.value.values["count"] == 2
