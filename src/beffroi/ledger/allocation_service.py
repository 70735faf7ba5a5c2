"""What people ask before they vote: the unit costs of a year, what other keys would change."""

import asyncio
from collections.abc import Mapping
from typing import Final

from beffroi.kernel.errors import ConflictError, InvalidInputError, NotFoundError
from beffroi.kernel.rights.model import Actor
from beffroi.ledger.key_simulation import KeyTrial, simulated, smoothed
from beffroi.ledger.model import Accounts
from beffroi.ledger.months import months_of
from beffroi.ledger.statement_service import StatementService
from beffroi.ledger.unit_costs import UnitCostTable, unit_cost_table
from beffroi.territory.store import Versioned

MOST_YEARS: Final = 10
_MONTHS_SIMULATED: Final = 12


class AllocationService:
    """Reckons with the accounts that hold and the months that were; keeps nothing."""

    def __init__(self, statements: StatementService) -> None:
        self._statements = statements

    async def accounts(self, actor: Actor) -> Versioned[Accounts]:
        """Return the accounts that hold.

        Raises:
            NotFoundError: No accounts were applied.
        """
        held = await self._statements.accounts(actor)
        if held is None:
            raise NotFoundError("ledger.no_accounts")
        return held

    async def unit_costs(self, actor: Actor, year: int) -> UnitCostTable:
        """Return the unit costs of a year; use is foreseen as it was in the year before.

        Raises:
            NotFoundError: No accounts were applied.
            InvalidInputError: A key's floor or ceiling cannot hold.
        """
        held = await self.accounts(actor)
        usage = [
            one
            for month in months_of(year - 1)
            for one in await self._statements.use_of(actor, month)
        ]
        return await asyncio.to_thread(
            unit_cost_table, held.document, held.version, year, usage, self._statements.today
        )

    async def simulation(self, actor: Actor, chosen: Mapping[str, str], years: int) -> KeyTrial:
        """Compare the last twelve issued months with what other keys would have made of them.

        Args:
            actor: Who asks, an operator.
            chosen: Names of keys by those of cost centres; other centres keep theirs.
            years: How many equal steps lead to the new keys, 1 to 10.

        Raises:
            NotFoundError: No accounts were applied.
            InvalidInputError: A cost centre, a key or the number of years is not one of ours.
            ConflictError: No month was issued.
        """
        accounts = (await self.accounts(actor)).document
        _require_known(accounts, chosen, years)
        months = [one.month for one in await self._statements.months(actor)]
        if not months:
            raise ConflictError("ledger.no_month_issued")
        records = [
            await self._statements.records(actor, month)
            for month in reversed(months[:_MONTHS_SIMULATED])
        ]
        keys = tuple(accounts.keys.values())
        simulation = await asyncio.to_thread(simulated, records, keys, chosen)
        return KeyTrial(simulation, smoothed(simulation, years))


def _require_known(accounts: Accounts, chosen: Mapping[str, str], years: int) -> None:
    if not 1 <= years <= MOST_YEARS:
        raise InvalidInputError("ledger.smoothing_years", found=years, most=MOST_YEARS)
    for cost, key in chosen.items():
        if cost not in accounts.costs:
            known = ", ".join(sorted(accounts.costs))
            raise InvalidInputError("ledger.simulated_cost_unknown", cost=cost, known=known)
        if key not in accounts.keys:
            known = ", ".join(sorted(accounts.keys))
            raise InvalidInputError("ledger.simulated_key_unknown", key=key, known=known)
