"""Files of series in every layout, and what is told of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beffroi.capacity.inventories.kinds import ByteUnits
from beffroi.capacity.inventories.quantities import UnitRules
from beffroi.capacity.sizing_series import LOCAL_ZONE, Measure, Samples
from beffroi.capacity.sizing_series_files import ReadSeries, by_workload, read_series

RULES = UnitRules()


def _read(
    folder: Path, text: str, name: str = "series.csv", rules: UnitRules = RULES
) -> ReadSeries:
    file = folder / name
    file.write_bytes(text.encode())
    return read_series(file, rules)


def _told(found: ReadSeries) -> dict[tuple[str, Measure], list[float]]:
    return {(one.workload, one.measure): one.values.tolist() for one in found.samples}


def _rejected(found: ReadSeries) -> list[tuple[str, int, int]]:
    return [
        (one.code.removeprefix("capacity."), one.place.row, one.position) for one in found.rejected
    ]


def test_one_column_per_measure(tmp_path: Path) -> None:
    text = (
        "timestamp;vm;cpu_percent;mem_mib\n"
        "1750000000;web;12,5;1024\n"
        "1750000300;web;25;2048\n"
        "1750000000;db;50;\n"
    )
    found = _read(tmp_path, text)
    assert found.rejected == ()
    told = _told(found)
    assert told["web", Measure.CPU_SHARE] == [0.125, 0.25]
    assert told["web", Measure.MEMORY_MIB] == [1024, 2048]
    assert np.isnan(told["db", Measure.MEMORY_MIB]).all()


@pytest.mark.parametrize(
    ("heading", "rules", "measure", "value"),
    [
        ("cpu_cores", RULES, Measure.CPU_MILLI, 2000),
        ("cpu_milli", RULES, Measure.CPU_MILLI, 2),
        ("cpu (MHz)", UnitRules(ghz_per_core=2.0), Measure.CPU_MILLI, 1),
        ("cpu_seconds_total", RULES, Measure.CPU_SECONDS, 2),
        ("mémoire utilisée (Gio)", RULES, Measure.MEMORY_MIB, 2048),
        ("memory_bytes", RULES, Measure.MEMORY_MIB, 2 / 1024**2),
        ("mem %", RULES, Measure.MEMORY_SHARE, 0.02),
        ("mem_mb", UnitRules(byte_units=ByteUnits.BINARY), Measure.MEMORY_MIB, 2),
    ],
)
def test_units_are_those_of_the_heading(
    tmp_path: Path, heading: str, rules: UnitRules, measure: Measure, value: float
) -> None:
    found = _read(tmp_path, f"time;vm;{heading}\n1750000000;a;2\n", rules=rules)
    assert _told(found) == {("a", measure): [pytest.approx(value)]}


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("timestamp;vm;cpu;mem", "unit_missing"),
        ("timestamp;vm;mem_mb", "unit_ambiguous"),
        ("timestamp;vm;cpu_mhz", "clock_unknown"),
        ("vm;cpu_percent", "column_missing"),
        ("timestamp;vm;disk", "column_missing"),
    ],
)
def test_a_heading_without_a_usable_unit_is_refused(
    tmp_path: Path, heading: str, code: str
) -> None:
    assert _rejected(_read(tmp_path, f"{heading}\n1;a;1;1\n")) == [(code, 1, 1)]


def test_files_of_the_bitbrains_archive_are_named_after_their_machine(tmp_path: Path) -> None:
    text = (
        "Timestamp [ms];\tCPU cores;\tCPU capacity provisioned [MHZ];\tCPU usage [MHZ];\t"
        "CPU usage [%];\tMemory capacity provisioned [KB];\tMemory usage [KB];\t"
        "Disk read throughput [KB/s]\n"
        "1376314846;\t4;\t11703.998;\t10912.027;\t93.23;\t67108864.0;\t6129274.4;\t0.13\n"
        "1376315146;\t4;\t11703.998;\t10890.57;\t50.0;\t67108864.0;\t1048576;\t1.33\n"
    )
    told = _told(_read(tmp_path, text, "1019.csv"))
    assert told["1019", Measure.CPU_MILLI] == pytest.approx([3729.2, 2000])
    assert told["1019", Measure.MEMORY_MIB] == pytest.approx([5985.6, 1024], abs=0.1)


def test_one_row_per_measure_as_zabbix_and_prometheus_export_them(tmp_path: Path) -> None:
    text = (
        "clock,host,key,value\n"
        "1750000000,web,system.cpu.util,12.5\n"
        "1750000000,web,vm.memory.size[used],1073741824\n"
        "1750000000,web,system.uptime,99\n"
        '1750000000,db,"container_cpu_usage_seconds_total{pod=""x""}",5\n'
        "1750000300,db,container_cpu_usage_seconds_total,7\n"
    )
    found = _read(tmp_path, text)
    assert _told(found) == {
        ("web", Measure.CPU_SHARE): [0.125],
        ("web", Measure.MEMORY_MIB): [1024],
        ("db", Measure.CPU_SECONDS): [5, 7],
    }
    assert [(note.code, note.values["metric"]) for note in found.notes] == [
        ("metric_ignored", "system.uptime")
    ]


def test_instants_are_read_in_every_form(tmp_path: Path) -> None:
    text = "timestamp;vm;cpu_percent\n" + "".join(
        f"{instant};a;1\n"
        for instant in (
            "2026-01-31T08:05:00+01:00",
            "2026-01-31 08:05:00",
            "31/01/2026 08:05",
            "2026-01-31T07:05:00Z",
            "1769843100",
            "1769843100000",
        )
    )
    (samples,) = _read(tmp_path, text).samples
    assert set(samples.instants_s.tolist()) == {1_769_843_100}


def _autumn_night(minutes: int) -> tuple[list[int], list[str]]:
    """Return the instants of the night when a clock goes back, and what it shows."""
    begin = datetime(2026, 10, 24, 22, tzinfo=UTC)
    instants = [begin + timedelta(minutes=late) for late in range(0, 480, minutes)]
    shown = [one.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M") for one in instants]
    return [int(one.timestamp()) for one in instants], shown


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("minutes", [5, 30, 60])
@pytest.mark.parametrize(
    ("heading", "row"),
    [
        ("timestamp;vm;cpu_percent", "{at};a;5\n{at};b;5"),
        ("timestamp;vm;cpu_percent", "{at};a;5"),
        (
            "timestamp;instance;metric;value",
            "{at};a;cpu_percent;5\n{at};a;mem_mib;100\n{at};b;cpu_percent;5",
        ),
    ],
)
def test_both_hours_that_autumn_repeats_are_kept_in_the_order_of_rows(
    tmp_path: Path, heading: str, row: str, minutes: int, *, newest_first: bool
) -> None:
    instants, shown = _autumn_night(minutes)
    if newest_first:
        instants, shown = instants[::-1], shown[::-1]
    text = "\n".join([heading, *(row.format(at=one) for one in shown)])
    found = _read(tmp_path, text)
    assert found.rejected == ()
    assert [one.instants_s.tolist() for one in found.samples] == [instants] * len(found.samples)


def test_both_hours_are_kept_where_rows_are_sorted_by_the_time_shown(tmp_path: Path) -> None:
    instants, shown = _autumn_night(5)
    rows = [f"{one};a;5" for one in sorted(shown)]
    (samples,) = _read(tmp_path, "\n".join(["timestamp;vm;cpu_percent", *rows])).samples
    assert sorted(samples.instants_s.tolist()) == instants


def test_a_row_told_twice_in_that_hour_is_no_second_hour(tmp_path: Path) -> None:
    instants, shown = _autumn_night(5)
    twice = [*shown[:26], *shown[25:]]
    text = "\n".join(["timestamp;vm;cpu_percent", *(f"{one};a;5" for one in twice)])
    (samples,) = _read(tmp_path, text).samples
    assert sorted(set(samples.instants_s.tolist())) == instants


def test_the_hour_that_spring_skips_is_refused(tmp_path: Path) -> None:
    text = "timestamp;vm;cpu_percent\n29/03/2026 01:59;a;1\n29/03/2026 02:30;a;1\n"
    found = _read(tmp_path, text)
    assert _rejected(found) == [("hour_skipped", 3, 1)]
    assert len(found.samples[0].values) == 1


def test_every_row_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    text = (
        "timestamp;vm;cpu_percent\n"
        "yesterday;a;1\n"
        "2026-01-31 08:00;a;lots\n"
        "2026-01-31 08:05;a\n"
        "2026-01-31 08:10;a;inf\n"
        "2026-01-31 08:15;a;\n"
    )
    found = _read(tmp_path, text)
    assert sorted(_rejected(found), key=lambda told: told[1]) == [
        ("not_an_instant", 2, 1),
        ("not_a_number", 3, 3),
        ("row_too_short", 4, 3),
        ("not_a_number", 5, 3),
    ]


def test_series_of_proxmox_are_shares_of_their_processors(tmp_path: Path) -> None:
    text = (
        '{"web": [{"time": 1750000000, "cpu": 0.25, "maxcpu": 4, "mem": 1073741824},'
        ' {"time": 1750001800, "maxcpu": 4}]}'
    )
    told = _told(_read(tmp_path, text, "month.json"))
    assert told == {("web", Measure.CPU_MILLI): [1000], ("web", Measure.MEMORY_MIB): [1024]}
    listed = _read(tmp_path, '[{"time": 1, "cpu": 0.5, "maxcpu": 2}]', "db.json")
    assert _told(listed) == {("db", Measure.CPU_MILLI): [1000]}


def test_a_log_of_domstats_is_a_series(tmp_path: Path) -> None:
    text = "".join(
        f"2026-11-01T0{hour}:00:00+01:00\n"
        f"Domain: 'web'\n  cpu.time={hour * 1800 * 10**9}\n"
        f"  balloon.available=4194304\n  balloon.usable=3145728\n  balloon.rss=99\n\n"
        for hour in range(3)
    )
    told = _told(_read(tmp_path, text, "log.txt"))
    assert told == {
        ("web", Measure.CPU_SECONDS): [0, 1800, 3600],
        ("web", Measure.MEMORY_MIB): [1024, 1024, 1024],
    }
    assert _rejected(_read(tmp_path, "Domain: 'web'\n  cpu.time=1\n", "x.txt")) == [
        ("domstats_without_date", 1, 1)
    ]


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("s.csv", "", "file_empty"),
        ("s.json", "{", "file_not_json"),
        ("s.json", "[{}]", "series_missing"),
    ],
)
def test_what_is_no_series_is_refused(tmp_path: Path, name: str, text: str, code: str) -> None:
    assert _rejected(_read(tmp_path, text, name)) == [(code, 1, 1)]


def test_files_of_a_folder_are_one_series(tmp_path: Path) -> None:
    _read(tmp_path, "timestamp;vm;cpu_percent\n1750000300;a;2\n", "2.csv")
    _read(tmp_path, "timestamp;vm;cpu_percent\n1750000000;a;1\n", "1.csv")
    found = by_workload(read_series(tmp_path, RULES).samples)
    (samples,) = found["a"]
    assert isinstance(samples, Samples)
    assert samples.values.tolist() == [0.01, 0.02]


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("series")
    content = f"timestamp;vm;cpu_percent\n{text}".encode("utf-8", "replace").decode()
    found = _read(folder, content)
    assert all(row.place.row >= 1 for row in found.rejected)


@pytest.mark.parametrize("time", ["99999999999999999999", "-1e300", "1792888200000"])
def test_an_export_whose_instants_are_none_is_refused(tmp_path: Path, time: str) -> None:
    points = f'[{{"time": 1792888200, "mem": 5}}, {{"time": {time}, "mem": 5}}]'
    found = _read(tmp_path, points, "a.json")
    assert _rejected(found) == [("not_an_instant", 2, 1)]


def test_a_figure_of_absurd_length_is_no_figure(tmp_path: Path) -> None:
    log = f"2026-01-31T08:05:00\nDomain: 'a'\n  cpu.time={'9' * 5000}\n  balloon.rss=1024\n"
    assert _told(_read(tmp_path, log, "log.txt")) == {("a", Measure.MEMORY_MIB): [1.0]}
