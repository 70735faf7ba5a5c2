"""What a person writes in the forms of the years ahead, read as what is asked."""

import math
from enum import StrEnum

import msgspec
from litestar.datastructures import UploadFile

from beffroi.capacity.foresight_terms import (
    LEAST_CORES,
    LEAST_MEMORY_GIB,
    LEAST_PER_YEAR,
    MOST_CORES,
    MOST_DISK_GIB,
    MOST_MEMORY_GIB,
    MOST_PER_YEAR,
    MOST_YEARS,
    Start,
    WantedForesight,
)
from beffroi.capacity.growth import EverythingGrows, HostDies, SiteCloses, WhatIf
from beffroi.kernel.errors import InvalidInputError

_PERCENT = 100
_MONTHS = 12


class ForesightForm(msgspec.Struct):
    """What is asked of the future, as written."""

    start: Start = Start.PLANNED
    percent: str = "3"
    years: str = "5"
    cores: str = "2"
    memory_gib: str = "8"
    disk_gib: str = "100"

    @classmethod
    def of(cls, wanted: WantedForesight) -> "ForesightForm":
        """Write what was asked."""
        return cls(
            wanted.start,
            f"{_PERCENT * wanted.per_year:g}",
            str(wanted.years),
            *(f"{one:g}" for one in (wanted.cores, wanted.memory_gib, wanted.disk_gib)),
        )

    def wanted(self) -> WantedForesight:
        """Read what is asked.

        Raises:
            InvalidInputError: A value is not a number, or out of its bounds.
        """
        return WantedForesight(
            start=self.start,
            per_year=_per_year(self.percent),
            years=int(_number(self.years, 1, MOST_YEARS)),
            cores=_number(self.cores, LEAST_CORES, MOST_CORES),
            memory_gib=_number(self.memory_gib, LEAST_MEMORY_GIB, MOST_MEMORY_GIB),
            disk_gib=_number(self.disk_gib, 0, MOST_DISK_GIB),
        )


class WhatIfKind(StrEnum):
    """What may happen."""

    HOST_DIES = "host_dies"
    SITE_CLOSES = "site_closes"
    EVERYTHING_GROWS = "everything_grows"
    ORGANISATION_JOINS = "organisation_joins"


class WhatIfForm(msgspec.Struct):
    """What happens, as written; only the fields of its kind are filled."""

    kind: WhatIfKind
    start: Start = Start.PLANNED
    host: str = ""
    site: str = ""
    percent: str = ""
    files: list[UploadFile] = msgspec.field(default_factory=list)

    def what_if(self) -> WhatIf | None:
        """Read the change; nothing where it is in the files.

        Raises:
            InvalidInputError: The growth is not a number, or out of its bounds.
        """
        match self.kind:
            case WhatIfKind.HOST_DIES:
                return HostDies(self.host)
            case WhatIfKind.SITE_CLOSES:
                return SiteCloses(self.site)
            case WhatIfKind.EVERYTHING_GROWS:
                return EverythingGrows(_per_year(self.percent), _MONTHS)
            case WhatIfKind.ORGANISATION_JOINS:
                return None


def _per_year(percent: str) -> float:
    share = _number(percent, _PERCENT * LEAST_PER_YEAR, _PERCENT * MOST_PER_YEAR) / _PERCENT
    return round(share, 6)


def _number(given: str, least: float, most: float) -> float:
    try:
        number = float(given.strip().replace(",", "."))
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise InvalidInputError(
            "capacity.number_out_of_bounds",
            given=given,
            least=f"{least:g}",
            most=f"{most:.0f}",
        )
    return number
