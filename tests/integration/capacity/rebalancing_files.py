"""Files of an inventory with a host that is too full."""

from typing import Final

_PLAN: Final = b"""
host_models:
  tower: {cores: 10, memory_gib: 100, disk_gib: 1000}
hosts:
  tour: {model: tower, site: lille, count: 3}
imports: [{file: workloads.csv}]
"""
_WORKLOADS: Final = b"""name;cpu_cores;memory_gib;disk_gib;host
sig;5;20;100;tour-1
paie;4;20;100;tour-1
ged;1;20;100;tour-2
"""
FILES: Final = {"plan.yaml": _PLAN, "workloads.csv": _WORKLOADS}
HOMELESS: Final = {"plan.yaml": _PLAN, "workloads.csv": _WORKLOADS.replace(b"tour-2", b"")}
