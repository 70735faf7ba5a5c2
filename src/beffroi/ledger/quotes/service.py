"""What people ask of quotes."""

from beffroi.kernel.clock import Clock
from beffroi.kernel.processes.workers import Told
from beffroi.kernel.rights.model import Actor, Permission
from beffroi.ledger.model import Accounts
from beffroi.ledger.months import PARIS
from beffroi.ledger.quotes.model import Quote
from beffroi.ledger.quotes.needs import Needs
from beffroi.ledger.quotes.ports import PlacementOffice, tenant_of
from beffroi.ledger.quotes.quoting import quote_of, refuse_unknown, tenant_body


class QuoteService:
    """Prices what buyers ask for: for those who run the platform."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def quote(
        self,
        actor: Actor,
        needs: Needs,
        accounts: Accounts,
        office: PlacementOffice,
        told: Told,
    ) -> Quote:
        """Plan without and with the tenant, and price it.

        Raises:
            InvalidInputError: Needs, accounts and inventory do not go together, or no plan can
                be made.
        """
        actor.require(Permission.RUN_PLATFORM, "")
        return await priced(needs, accounts, office, told, self._clock)


async def priced(
    needs: Needs, accounts: Accounts, office: PlacementOffice, told: Told, clock: Clock
) -> Quote:
    """Price a tender's needs, whoever asks; what cannot go together is refused before planning.

    Raises:
        InvalidInputError: Needs, accounts and inventory do not go together, or no plan can be
            made.
    """
    tenant_body(needs, accounts)
    refuse_unknown(needs, accounts)
    placement = await office.compare(tenant_of(needs), told)
    return quote_of(needs, accounts, placement, clock.now().astimezone(PARIS).date())
