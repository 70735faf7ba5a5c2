"""Models of host that town halls have, for those who have no measured power of their own.

Power at a load of 0.1, 10, 30, 50 and 100 %, and what making the machine emitted: answers of
BoaviztAPI 2.5.0 (https://doc.api.boavizta.org) for the configuration that the name tells, with the
design power that Intel or AMD publishes for the processor (ark.intel.com, amd.com), asked in
November 2026 and rounded to watts. Its curve for a processor is ``a * ln(b * (load + c)) + d``.
These are models of a machine, not readings of one: whoever has a wattmeter or the eleven figures
of a SPECpower report gives them as ``HostModel.power`` instead.
"""

from types import MappingProxyType
from typing import Final

from beffroi.capacity.model import Amounts, HostModel, PowerPoint
from beffroi.energy.model import Estimate, Method

_LOADS: Final = (0.001, 0.1, 0.3, 0.5, 1.0)
_GIB: Final = 1024

# The bounds that BoaviztAPI 2.5.0 tells for a server of one EPYC 7543, divided by its figure: 137
# to 217 W around 163 W at a load of 10 %, 863 to 2,610 kg around 1,400 kg. Those of the other
# models lie within.
MODELLED_POWER: Final = Estimate(1, 137 / 163, 217 / 163, Method.MODELLED)
MODELLED_EMBODIED: Final = Estimate(1, 863 / 1400, 2610 / 1400, Method.MODELLED)


def _model(
    name: str, amounts: Amounts, watts: tuple[int, ...], embodied_kg: int, rack_units: float
) -> HostModel:
    return HostModel(
        name=name,
        amounts=amounts,
        rack_units=rack_units,
        power=tuple(
            PowerPoint(load, float(power)) for load, power in zip(_LOADS, watts, strict=True)
        ),
        power_source=f"BoaviztAPI 2.5.0, {name}",
        embodied_kg=float(embodied_kg),
    )


_MODELS: Final = (
    # Servers of 2010 to 2014.
    _model(
        "2U 2x Xeon E5620, 6x 8 GB, 4 HDD",
        Amounts(8_000, 48 * _GIB, 1_600),
        (71, 114, 170, 208, 270),
        630,
        2,
    ),
    _model(
        "2U 2x Xeon X5650, 12x 8 GB, 4 HDD",
        Amounts(12_000, 96 * _GIB, 1_600),
        (95, 147, 215, 261, 339),
        750,
        2,
    ),
    _model(
        "2U 2x Xeon E5-2650, 8x 8 GB, 4 HDD",
        Amounts(16_000, 64 * _GIB, 2_700),
        (82, 134, 201, 246, 320),
        680,
        2,
    ),
    _model(
        "1U 2x Xeon E5-2640 v3, 8x 16 GB, 4 HDD",
        Amounts(16_000, 128 * _GIB, 2_700),
        (84, 133, 197, 240, 311),
        800,
        1,
    ),
    # Servers of 2016 to 2020.
    _model(
        "1U 2x Xeon E5-2680 v4, 16x 16 GB, 2 SSD",
        Amounts(28_000, 256 * _GIB, 440),
        (113, 179, 266, 325, 424),
        990,
        1,
    ),
    _model(
        "1U 2x Xeon Silver 4214, 12x 32 GB, 2 SSD",
        Amounts(24_000, 384 * _GIB, 890),
        (97, 144, 207, 250, 323),
        1_200,
        1,
    ),
    # What is bought now; ten blades share an enclosure of 10 units.
    _model(
        "blade 2x Xeon Gold 16 cores, 8x 32 GB, 2 SSD",
        Amounts(32_000, 256 * _GIB, 890),
        (111, 211, 341, 427, 569),
        800,
        1,
    ),
    _model(
        "1U 2x Xeon Silver 4314, 16x 32 GB, 2 SSD",
        Amounts(32_000, 512 * _GIB, 890),
        (129, 209, 308, 373, 481),
        1_500,
        1,
    ),
    _model(
        "1U EPYC 7543, 8x 64 GB, 2 SSD",
        Amounts(32_000, 512 * _GIB, 890),
        (101, 163, 244, 299, 391),
        1_400,
        1,
    ),
    _model(
        "1U EPYC 9354P, 12x 32 GB, 2 SSD",
        Amounts(32_000, 384 * _GIB, 890),
        (115, 191, 291, 359, 472),
        1_200,
        1,
    ),
    # Storage on the network: its disks take most, whatever its load.
    _model(
        "NAS 2U Xeon D-1541, 2x 16 GB, 12 HDD",
        Amounts(8_000, 32 * _GIB, 74_000),
        (91, 104, 120, 130, 148),
        830,
        2,
    ),
)

HOST_MODELS: Final = MappingProxyType({model.name: model for model in _MODELS})
