"""How many pages a site renders for crawlers."""

from beffroi.kernel.clock import Clock


class CrawlerBudget:
    """Gives each site so many renderings per minute for crawlers, a minute's worth at once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, application: str, per_minute: int) -> bool:
        """Take one rendering from a site's budget; tell whether there was one."""
        now = self._clock.monotonic_s()
        left, at = self._left.get(application, (float(per_minute), now))
        left = min(float(per_minute), left + (now - at) * per_minute / 60)
        granted = left >= 1
        self._left[application] = (left - 1 if granted else left, now)
        return granted
