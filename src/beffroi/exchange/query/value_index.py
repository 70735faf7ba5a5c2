"""Finds, among many, those whose demands an entity may meet, without looking at all of them."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, Final, Generic, TypeVar

from beffroi.exchange.model import Attribute, Iri
from beffroi.exchange.query.necessities import Demand, Sort, said

ItemT = TypeVar("ItemT")
_first = itemgetter(0)


_LOOKED_AT_MOST: Final = 8
"""So few are all looked at, and are given no index."""


class ValueIndex(Generic[ItemT]):
    """Items by number, found by what entities say."""

    def __init__(self) -> None:
        self._all: dict[int, ItemT] = {}
        self._demands: dict[int, Sequence[Demand]] = {}
        self._lines: _Lines[ItemT] | None = None

    def __len__(self) -> int:
        return len(self._all)

    @property
    def items(self) -> Mapping[int, ItemT]:
        """All of them."""
        return self._all

    def put(self, number: int, item: ItemT, demands: Sequence[Demand]) -> None:
        """Add one whose number is not there.

        Args:
            number: Of the item.
            item: What is found.
            demands: It is found where one of these is met; none: always.
        """
        self._all[number] = item
        self._demands[number] = demands
        if self._lines is not None:
            self._lines.put(number, item, demands)
        elif len(self._all) > _LOOKED_AT_MOST:
            self._lines = _Lines()
            for known, of_known in self._demands.items():
                self._lines.put(known, self._all[known], of_known)

    def drop(self, number: int) -> None:
        """Take one away that is there."""
        del self._all[number]
        demands = self._demands.pop(number)
        if self._lines is not None:
            self._lines.drop(number, demands)

    def found(self, attributes: Mapping[Iri, tuple[Attribute, ...]]) -> Mapping[int, ItemT]:
        """Return every item that attributes may meet a demand of; some that they may not."""
        return self._all if self._lines is None else self._lines.found(attributes)


class _Lines(Generic[ItemT]):
    """Items by what they demand, and those that demand nothing."""

    def __init__(self) -> None:
        self._undemanding: dict[int, ItemT] = {}
        self._lines: dict[Iri, dict[Sort, _Line[ItemT]]] = {}

    def put(self, number: int, item: ItemT, demands: Sequence[Demand]) -> None:
        if not demands:
            self._undemanding[number] = item
        for one in demands:
            lines = self._lines.setdefault(one.attribute, {})
            lines.setdefault(one.sort, _Line()).put(one, number, item)

    def drop(self, number: int, demands: Sequence[Demand]) -> None:
        self._undemanding.pop(number, None)
        for one in demands:
            self._lines[one.attribute][one.sort].drop(one, number)

    def found(self, attributes: Mapping[Iri, tuple[Attribute, ...]]) -> Mapping[int, ItemT]:
        result = dict(self._undemanding)
        for name, lines in self._lines.items():
            instances = attributes.get(name)
            if instances:
                for sort, line in lines.items():
                    line.gather(said(instances, sort), result)
        return result


class _Line(Generic[ItemT]):
    """Demands on values of one sort of one attribute."""

    def __init__(self) -> None:
        self._equal: dict[Any, dict[int, ItemT]] = {}
        self._from: _Ends[ItemT] = _Ends()
        self._upto: _Ends[ItemT] = _Ends()
        self._between: _Ranges[ItemT] = _Ranges()

    def put(self, demand: Demand, number: int, item: ItemT) -> None:
        low, high = demand.low, demand.high
        if high is None:
            self._from.put(low, number, item)
        elif low is None:
            self._upto.put(high, number, item)
        elif low == high:
            self._equal.setdefault(low, {})[number] = item
        else:
            self._between.put(low, high, number, item)

    def drop(self, demand: Demand, number: int) -> None:
        low, high = demand.low, demand.high
        if high is None:
            self._from.drop(low, number)
        elif low is None:
            self._upto.drop(high, number)
        elif low == high:
            there = self._equal.get(low, {})
            there.pop(number, None)
            if not there:
                self._equal.pop(low, None)
        else:
            self._between.drop(low, high, number)

    def gather(self, values: Sequence[Any], result: dict[int, ItemT]) -> None:
        """Add the items of which one value meets a demand."""
        if not values:
            return
        for value in values:
            there = self._equal.get(value)
            if there:
                result.update(there)
            for items in self._between.around(value):
                result.update(items)
        for items in self._from.upto(max(values)):
            result.update(items)
        for items in self._upto.since(min(values)):
            result.update(items)


class _Ends(Generic[ItemT]):
    """Items by one end of what they demand, in order."""

    def __init__(self) -> None:
        self._ordered: list[Any] = []
        self._items: dict[Any, dict[int, ItemT]] = {}

    def put(self, end: Any, number: int, item: ItemT) -> None:  # noqa: ANN401 - of one sort
        if end not in self._items:
            self._items[end] = {}
            insort(self._ordered, end)
        self._items[end][number] = item

    def drop(self, end: Any, number: int) -> None:  # noqa: ANN401 - of one sort
        there = self._items.get(end, {})
        there.pop(number, None)
        if not there and self._items.pop(end, None) is not None:
            del self._ordered[bisect_left(self._ordered, end)]

    def upto(self, value: Any) -> list[dict[int, ItemT]]:  # noqa: ANN401 - of one sort
        """Return the items whose end is not above a value."""
        stop = bisect_right(self._ordered, value)
        return [self._items[end] for end in islice(self._ordered, stop)]

    def since(self, value: Any) -> list[dict[int, ItemT]]:  # noqa: ANN401 - of one sort
        """Return the items whose end is not below a value."""
        start = bisect_left(self._ordered, value)
        return [self._items[end] for end in self._ordered[start:]]


class _Ranges(Generic[ItemT]):
    """Items by two ends, in the order of either."""

    def __init__(self) -> None:
        self._by_low: list[tuple[Any, Any]] = []
        self._by_high: list[tuple[Any, Any]] = []
        self._items: dict[tuple[Any, Any], dict[int, ItemT]] = {}

    def put(self, low: Any, high: Any, number: int, item: ItemT) -> None:  # noqa: ANN401 - of one sort
        if (low, high) not in self._items:
            self._items[low, high] = {}
            insort(self._by_low, (low, high))
            insort(self._by_high, (high, low))
        self._items[low, high][number] = item

    def drop(self, low: Any, high: Any, number: int) -> None:  # noqa: ANN401 - of one sort
        there = self._items.get((low, high), {})
        there.pop(number, None)
        if not there and self._items.pop((low, high), None) is not None:
            del self._by_low[bisect_left(self._by_low, (low, high))]
            del self._by_high[bisect_left(self._by_high, (high, low))]

    def around(self, value: Any) -> list[dict[int, ItemT]]:  # noqa: ANN401 - of one sort
        """Return the items with a value between their ends: from the end that fewer are at."""
        stop = bisect_right(self._by_low, value, key=_first)
        start = bisect_left(self._by_high, value, key=_first)
        if stop <= len(self._by_high) - start:
            pairs = [one for one in islice(self._by_low, stop) if one[1] >= value]
        else:
            pairs = [(low, high) for high, low in self._by_high[start:] if low <= value]
        return [self._items[one] for one in pairs]
