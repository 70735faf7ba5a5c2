"""What measures energy."""

from typing import Protocol


class EnergyMeter(Protocol):
    """What measures the whole machine."""

    def joules(self) -> float:
        """Return the energy since the meter was made."""
        ...
