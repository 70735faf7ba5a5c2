"""What time does to rules and to the journal, whether anybody asks or not."""

import logging
from typing import Final

from beffroi.exchange.governance import journal_store
from beffroi.exchange.governance.rules import Rules
from beffroi.kernel.clock import Clock
from beffroi.kernel.database import Database
from beffroi.kernel.database.pool import EVERYTHING
from beffroi.kernel.errors import BeffroiError

_logger = logging.getLogger(__name__)
_EVERY_S: Final = 60.0
_FORGETS_EVERY: Final = 60
"""How many rounds there are from one look at old accesses to the next."""


class Upkeep:
    """Reads rules again, for outlines move; lets accesses of a year ago go."""

    def __init__(self, database: Database, rules: Rules, clock: Clock) -> None:
        self._database = database
        self._rules = rules
        self._clock = clock

    async def run(self) -> None:
        """Go on until cancelled; what fails is tried again the next time."""
        rounds = 0
        while True:
            try:
                await self._rules.renew()
                if rounds % _FORGETS_EVERY == 0:
                    async with self._database.transaction(EVERYTHING) as connection:
                        await journal_store.forget_old(connection)
            except BeffroiError as error:
                _logger.warning("governance state=failing %s", error)
            rounds += 1
            await self._clock.sleep(_EVERY_S)
