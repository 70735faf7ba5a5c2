"""Has the suite start Mosquitto where it would start Docker; robot loads this file itself."""

from pathlib import Path
from typing import Any, Final

_ITS_KEYWORDS: Final = "MqttUtils.resource"
_OURS: Final = Path(__file__).parent / "broker.resource"


class own_broker:  # noqa: N801 - robot looks for a class of the file's name
    """Puts our keywords in the place of the suite's own."""

    def visit_suite(self, suite: Any) -> None:  # noqa: ANN401 - robot is not of our environment
        """Change what a suite and those in it import."""
        for one in suite.resource.imports:
            if one.name.endswith(_ITS_KEYWORDS):
                one.name = str(_OURS)
        for one in suite.suites:
            self.visit_suite(one)
