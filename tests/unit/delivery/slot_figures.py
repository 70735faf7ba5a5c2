"""Slots of one application on a machine of its own."""

from datetime import datetime, timedelta

from beffroi.delivery.results import Host, Period
from beffroi.delivery.results_usage import SlotFigures
from beffroi.delivery.visits import VisitCounts
from beffroi.energy.model import EPYC, FRENCH_GRID_G_PER_KWH, power_model
from beffroi.kernel.units import GIB, MIB
from tests.unit.delivery.visit_lines import NOON

HOST = Host(
    cpus=2,
    memory_bytes=4 * GIB,
    power=power_model(EPYC, 2, shared=True),
    grid=FRENCH_GRID_G_PER_KWH,
)
DAY = Period(NOON, NOON + timedelta(days=1))


def figures(
    number: int,
    *,
    pages: int = 0,
    rendered: int = 0,
    cpu_s: float = 0.0,
    running: bool = True,
    host_joules: float = 0.0,
    at: datetime = NOON,
) -> SlotFigures:
    """Make a slot where pages were read, some of them rendered, by the one application there is."""
    counts = VisitCounts(
        requests=pages,
        pages=pages,
        stored=pages - rendered,
        stored_pages=pages - rendered,
        fills=rendered,
        bytes=8000 * pages,
        persons=pages,
    )
    running_s = 300.0 if running else 0.0
    return SlotFigures(
        slot=at + timedelta(minutes=5 * number),
        counts=counts,
        cpu_s=cpu_s,
        memory_byte_s=100 * MIB * running_s,
        running_s=running_s,
        nginx_cpu_s=0.0001 * pages,
        filler_cpu_s=0.002 * rendered,
        postgresql_cpu_s=0.0,
        host_cpu_s=cpu_s + 0.0001 * pages + 0.002 * rendered + 1,
        host_joules=host_joules,
        observed_s=300.0,
        all_requests=pages,
        all_bytes=8000 * pages,
        all_origin=rendered,
        all_memory_byte_s=100 * MIB * running_s + 200 * MIB * 300,
    )
