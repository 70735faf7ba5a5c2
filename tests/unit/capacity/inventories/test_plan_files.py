"""plan.yaml: what it declares, what it imports, and every mistake at its place."""

from pathlib import Path

import msgspec
import pytest

from beffroi.capacity.inventories.declared import window_hours
from beffroi.capacity.inventories.plan_file import Day, DeclaredPolicy, Window
from beffroi.capacity.model import Amounts, Criticality, Policy, PowerPoint, SiteLoss
from tests.unit.capacity.inventories.written_files import loaded, refusal
from tests.unit.capacity.inventories.written_files import written as put

PLAN = """\
sites:
  lille: {hosts: ["esx-l*"]}
  roubaix: {}
policy: {cpu_share: 0.7, site_loss: shed}
host_models:
  blade:
    cores: 32
    memory_gib: 384
    disk_gib: 1920
    idle_w: 110
    full_w: 570
    price_eur: 11800.25
    licences: [oracle]
hosts:
  lame: {model: blade, site: roubaix, count: 2}
buys: [blade]
imports:
  - {file: hosts.csv}
"""
HOSTS = "host;model;cpu_cores;memory_gib\nesx-l1;R640;32;384\n"
WORKLOADS = "nom;commune;vCPU;RAM (Gio);hôte\ndb-1;drancy;4;16;esx-l1\ndb-2;drancy;4;16;\n"
WHOLE = PLAN.replace(
    "  - {file: hosts.csv}\n",
    """\
  - {file: hosts.csv}
  - {file: w.csv, vcpu_per_core: 2}
workloads:
  paie: {organisation: bobigny, cores: 0.5, memory_gib: 1.5, disk_gib: 20, host: lame-2}
rules:
  - {workloads: ["db-*"], apart: true, across_sites: true}
  - {workloads: [paie], sites: [lille], licence: oracle, criticality: sheddable, downtime_s: 60}
windows:
  drancy: [{days: [sun], from_h: 22, to_h: 2}]
""",
)


def _plan(folder: Path, text: str) -> Path:
    put(folder, "hosts.csv", HOSTS)
    put(folder, "w.csv", WORKLOADS)
    return put(folder, "plan.yaml", text)


def test_a_plan_file_joins_what_it_declares_and_what_it_imports(tmp_path: Path) -> None:
    found = loaded(_plan(tmp_path, WHOLE)).inventory
    assert found.sites == ("lille", "roubaix")
    assert found.policy == Policy(cpu_share=0.7, site_loss=SiteLoss.SHED)
    assert [(host.name, host.model, host.site) for host in found.hosts] == [
        ("lame-1", "blade", "roubaix"),
        ("lame-2", "blade", "roubaix"),
        ("esx-l1", "R640", "lille"),
    ]
    assert found.models["blade"].price_eur == "11800.25"
    assert found.models["blade"].power == (PowerPoint(0.0, 110.0), PowerPoint(1.0, 570.0))
    assert (found.buys, found.origin) == (("blade",), ("plan.yaml", "hosts.csv", "w.csv"))


def test_rules_and_windows_reach_the_workloads_that_they_name(tmp_path: Path) -> None:
    found = {one.name: one for one in loaded(_plan(tmp_path, WHOLE)).inventory.workloads}
    assert found["db-1"].apart == found["db-2"].apart != ""
    assert found["db-1"].across_sites
    assert found["db-1"].windows == (0, 1, 166, 167)
    assert found["db-1"].amounts == Amounts(2000, 16384)
    paie = found["paie"]
    assert paie.amounts == Amounts(500, 1536, 20)
    assert (paie.sites, paie.licence, paie.downtime_s) == (("lille",), "oracle", 60)
    assert (paie.criticality, paie.windows) == (Criticality.SHEDDABLE, ())


def test_a_declared_model_prevails_over_the_imported_one(tmp_path: Path) -> None:
    text = "host_models:\n  R640: {cores: 16, memory_gib: 64}\nimports: [{file: hosts.csv}]\n"
    found = loaded(_plan(tmp_path, text)).inventory
    assert found.models["R640"].amounts == Amounts(16000, 65536)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("imports: [{file: none.csv}]\n", [("file_missing", 1, 1)]),
        ("buys: [blade]\n", [("declared_name_unknown", 1, 8)]),
        (
            (
                "sites: {a: {}}\nhost_models: {m: {cores: 1, memory_gib: 1}}\n"
                "hosts:\n  h: {model: n, site: b}\n"
            ),
            [("declared_name_unknown", 4, 14), ("declared_name_unknown", 4, 23)],
        ),
        (
            (
                "sites: {a: {}, b: {}}\nhost_models: {m: {cores: 1, memory_gib: 1}}\n"
                "hosts:\n  h: {model: m}\n"
            ),
            [("host_without_site", 4, 3)],
        ),
        (
            "workloads:\n  w: {cores: 1, memory_gib: 1, host: x}\n",
            [("declared_name_unknown", 2, 38)],
        ),
        ("rules:\n  - {workloads: [nobody]}\n", [("rule_matches_none", 2, 18)]),
        (
            (
                "workloads: {w: {cores: 1, memory_gib: 1}}\n"
                "rules:\n  - {workloads: [w], across_sites: true}\n"
            ),
            [("across_sites_needs_apart", 3, 36)],
        ),
        (
            (
                "workloads: {w: {cores: 1, memory_gib: 1}}\n"
                "rules:\n  - {workloads: [w], apart: true, together: true}\n"
            ),
            [("apart_and_together", 3, 35)],
        ),
        (
            (
                "workloads: {w: {cores: 1, memory_gib: 1}}\n"
                "rules:\n  - {workloads: [w], apart: true}\n  - {workloads: ['*'], apart: true}\n"
            ),
            [("grouped_twice", 4, 24)],
        ),
        (
            "windows:\n  drancy: [{from_h: 3, to_h: 3}]\n",
            [
                ("declared_name_unknown", 2, 3),
                ("window_empty", 2, 12),
            ],
        ),
        (
            "host_models:\n  m: {cores: 1, memory_gib: 1, power: [{load: 0.5, power_w: 9}]}\n",
            [("declared_power_few", 2, 32)],
        ),
        (
            "host_models:\n  m: {cores: 1, memory_gib: 1, idle_w: 90, full_w: 9}\n",
            [("declared_power_below_rest", 2, 40)],
        ),
        (
            (
                "host_models: {m: {cores: 1, memory_gib: 1}}\n"
                "hosts:\n  h: {model: m, count: 2}\n  h-1: {model: m}\n"
            ),
            [("host_declared_twice", 4, 3)],
        ),
        (
            (
                "imports: [{file: w.csv}, {file: hosts.csv}]\n"
                "workloads:\n  db-1: {cores: 1, memory_gib: 1}\n"
            ),
            [("declared_and_imported", 3, 3)],
        ),
    ],
)
def test_a_mistake_is_told_at_its_place(
    tmp_path: Path, text: str, told: list[tuple[str, int, int]]
) -> None:
    assert refusal(_plan(tmp_path, text)) == told


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("policy: {cpu_share: 0}\n", "territory.below_minimum"),
        ("policy: {site_loss: maybe}\n", "territory.not_a_choice"),
        ("host_model: {}\n", "territory.unknown_key"),
        ("host_models: {m: {cores: many, memory_gib: 1}}\n", "territory.expected_number"),
        ("host_models: {m: {cores: 1, memory_gib: 1000000000}}\n", "territory.above_maximum"),
        ("host_models: {m: {cores: 1, memory_gib: 1, price_eur: -5}}\n", "territory.below_minimum"),
        ("workloads: {w: {cores: -1, memory_gib: 1}}\n", "territory.below_minimum"),
        ("rules: [{workloads: [w], criticality: x}]\n", "territory.not_a_choice"),
        ("rules: [{workloads: [w], downtime_s: -1}]\n", "territory.below_minimum"),
        ("rules: [{workloads: []}]\n", "territory.list_empty"),
        ("usage: {files: [s.csv], since: yesterday}\n", "territory.not_a_date"),
        ("imports: [{file: w.csv, byte_units: octal}]\n", "territory.not_a_choice"),
        ("sites:\n  - lille\n", "territory.expected_mapping"),
    ],
)
def test_a_wrong_shape_is_told_as_in_a_territory(tmp_path: Path, text: str, code: str) -> None:
    assert [told[0] for told in refusal(_plan(tmp_path, text))] == [code]


def test_mistakes_of_the_plan_and_of_its_imports_are_told_together(tmp_path: Path) -> None:
    file = _plan(
        tmp_path,
        "imports: [{file: w.csv}, {file: hosts.csv}]\nwindows: {drancy: [{from_h: 1, to_h: 1}]}\n",
    )
    put(tmp_path, "w.csv", "name;vcpu;memory_gib\na;1;-1\nb;0;1\n")
    assert refusal(file) == [
        ("window_empty", 2, 20),
        ("amount_negative", 2, 3),
        ("amount_zero", 3, 2),
    ]


def test_an_imported_host_of_an_undeclared_site_is_told_with_its_row(tmp_path: Path) -> None:
    file = _plan(tmp_path, "sites: {lille: {}, roubaix: {}}\nimports: [{file: hosts.csv}]\n")
    put(tmp_path, "hosts.csv", "host;site;cpu_cores;memory_gib\na;lens;1;1\nb;;1;1\n")
    assert refusal(file) == [("row_name_unknown", 2, 1), ("imported_host_without_site", 3, 1)]


def test_a_plan_file_is_given_alone(tmp_path: Path) -> None:
    assert refusal(_plan(tmp_path, PLAN), tmp_path / "w.csv") == [("plan_file_not_alone", 1, 1)]


def test_the_only_site_needs_no_name(tmp_path: Path) -> None:
    text = "host_models: {m: {cores: 1, memory_gib: 1}}\nhosts: {h: {model: m}}\n"
    assert loaded(_plan(tmp_path, text)).inventory.sites == ("site",)
    named = loaded(_plan(tmp_path, "sites: {lens: {}}\n" + text)).inventory
    assert [host.site for host in named.hosts] == ["lens"]


def test_hosts_of_the_plan_tell_the_site_of_those_that_tell_none(tmp_path: Path) -> None:
    text = (
        "host_models: {m: {cores: 1, memory_gib: 1}}\n"
        "hosts: {h: {model: m, site: lens}}\n"
        "imports: [{file: hosts.csv}, {file: w.csv}]\n"
    )
    file = _plan(tmp_path, text)
    put(tmp_path, "w.csv", "name;vcpu;memory_gib;sites\na;1;1;lens\n")
    found = loaded(file).inventory
    assert (found.sites, {host.site for host in found.hosts}) == (("lens",), {"lens"})
    put(tmp_path, "w.csv", "name;vcpu;memory_gib;sites\na;1;1;lille\n")
    assert refusal(file) == [("row_name_unknown", 2, 1)]


def test_the_policy_of_the_file_has_the_fields_and_defaults_of_the_planner() -> None:
    assert msgspec.convert(DeclaredPolicy(), Policy, from_attributes=True) == Policy()
    assert DeclaredPolicy.__struct_fields__ == Policy.__struct_fields__


@pytest.mark.parametrize(
    ("window", "hours"),
    [
        (Window(days=(Day.MONDAY,), from_h=8, to_h=10), (8, 9)),
        (Window(days=(Day.SUNDAY,), from_h=23, to_h=1), (0, 167)),
        (Window(), tuple(range(168))),
    ],
)
def test_a_window_opens_hours_of_the_week(window: Window, hours: tuple[int, ...]) -> None:
    assert window_hours((window,)) == hours


def test_a_rule_fixes_only_what_runs_somewhere(tmp_path: Path) -> None:
    put(tmp_path, "hosts.csv", HOSTS)
    put(tmp_path, "w.csv", WORKLOADS)
    fixing = WHOLE.replace("apart: true, across_sites: true", "fixed: true")
    line = fixing[: fixing.index("fixed: true")].count("\n") + 1
    found = refusal(put(tmp_path, "plan.yaml", fixing))
    assert [(code, at) for code, at, _ in found] == [("rule_fixes_nowhere", line)]
    put(tmp_path, "w.csv", WORKLOADS.replace("4;16;\n", "4;16;lame-1\n"))
    assert [one.fixed for one in loaded(tmp_path / "plan.yaml").inventory.workloads].count(
        True
    ) == 2


def test_a_plan_file_that_holds_nothing_is_refused(tmp_path: Path) -> None:
    assert refusal(put(tmp_path, "plan.yaml", "sites: {lille: {}}\n")) == [
        ("inventory_empty", 1, 1)
    ]
