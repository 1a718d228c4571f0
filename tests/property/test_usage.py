"""Usage in against an obvious reader: what is printed is read back, and every division is the one a person would do."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.usage_files import dsr_lines, dsr_name, write_lines
from linernotes.formats.dsr import cut, escaped, micro
from linernotes.journeys.usage import import_usage
from linernotes.model.usage import UsageReport
from linernotes.workspace import Workspace

AT = datetime(2026, 6, 3, tzinfo=UTC)
FEW = settings(max_examples=25, suppress_health_check=list(HealthCheck))

texts = (
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]) | st.sampled_from(' "|\\,;'),
        min_size=1,
        max_size=12,
    )
    .map(str.strip)
    .filter(bool)
)
amounts = st.integers(-(10**18) + 1, 10**18 - 1)


def shown(amount_micro: int) -> str:
    sign = "-" if amount_micro < 0 else ""
    return f"{sign}{abs(amount_micro) // 10**6}.{abs(amount_micro) % 10**6:06d}"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace(tmp_path_factory.mktemp("usage") / "w", writable=True) as opened:
        yield opened


def imported(
    workspace: Workspace, lines: list[str], name: str = "report.tsv"
) -> tuple[UsageReport, list[dict[str, Any]], list[str]]:
    path = write_lines(workspace.folder.parent / name, lines)
    result = import_usage(workspace, [path], at=AT, threads=1)
    assert result.problems == []
    (report,) = result.reports or result.already
    paths = [str(path) for path in workspace.usage.paths() if report.id in path.name]
    rows: list[dict[str, Any]] = []
    if paths:
        with duckdb.connect() as database:
            found = database.execute("SELECT * FROM read_parquet(?) ORDER BY line, isrc", [paths])
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return report, rows, [fault.reason for fault in workspace.usage.faults(report.id)]


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\x01\x02", codec="utf-8")), min_size=1))
def test_cells_that_are_escaped_are_read_back(cells: list[str]) -> None:
    assert cut("\t".join(escaped(cell) for cell in cells)) == cells


@given(amounts)
def test_amounts_are_read_back(amount: int) -> None:
    assert micro(shown(amount)) == amount


@FEW
@given(
    lines=st.lists(
        st.tuples(st.dates(date(1990, 1, 1), date(2030, 1, 1)), amounts, st.integers(1, 10**12 - 1), texts, texts)
    )
)
def test_a_printed_table_is_read_back(workspace: Workspace, lines: list[tuple[date, int, int, str, str]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["date", "territory", "currency", "amount", "quantity", "title", "artist"])
    for day, amount, quantity, title, artist in lines:
        signed = -quantity if amount < 0 else quantity
        writer.writerow([day, "DE", "EUR", shown(amount), signed, title, artist])
    if abs(sum(line[1] for line in lines)) >= 2**63:
        return
    report, rows, faults = imported(workspace, out.getvalue().rstrip("\n").split("\n"), "usage.csv")
    assert faults == []
    assert [(r["used_on"], r["amount_micro"], r["title"], r["artist"]) for r in rows] == [
        (day, amount, title, artist) for day, amount, _, title, artist in lines
    ]
    assert sum(total.amount_micro for total in report.sums) == sum(line[1] for line in lines)
    assert report.periods == sorted({f"{line[0]:%Y-%m}" for line in lines})


def largest_remainder(amount: int, weights: list[int]) -> list[int]:
    """Divide as a person would: exact parts, cut off, and what is over to the largest remainders."""
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    parts = [int(part // 1) for part in exact]
    order = sorted(range(len(weights)), key=lambda n: (parts[n] - exact[n], -weights[n], n))
    for place in order[: amount - sum(parts)]:
        parts[place] += 1
    return parts


sales = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 30), st.booleans(), st.integers(1, 5)), min_size=1, max_size=25
)


@FEW
@given(
    sold=sales,
    revenues=st.lists(st.integers(0, 10**9), min_size=3, max_size=3),
    elsewhere=st.integers(0, 20),
    priced=st.booleans(),
)
def test_summaries_are_divided_as_a_person_would(
    workspace: Workspace,
    sold: list[tuple[int, int, bool, int]],
    revenues: list[int],
    elsewhere: int,
    priced: bool,  # noqa: FBT001
) -> None:
    used = [sum(count for pool, count, *_ in sold if pool == n) for n in range(3)]
    lines = ["HEAD\tdsrf/30\tBasicAudioProfile\t1.2\tM1\t2026-06-02T12:00:00Z\t1\t1\t2026-05-01\t2026-05-31\tP\tShop"]
    for n, revenue in enumerate(revenues):
        stated = f"{used[n] + elsewhere}\t\tEUR\t{shown(revenue)}"
        lines.append(f"SY01.01\tS{n}\t\t\tPayAsYouGo\tPermanentDownload\tDE\tShop\t{stated}")
    for n, (pool, count, bearing, price) in enumerate(sold):
        lines.append(f"AS01\t{n}\tR1\tsp{n}\tDEZZ1{n:07d}\tTitle\t\tAda\t\tPT1S\tSoundRecording")
        asked = f"{price}.25" if priced else ""
        lines.append(f"SU01\t{n}\tS{pool}\tT{n}\t\tR1\t{str(bearing).lower()}\tfalse\t{count}\t0\t{asked}")
    lines.append(f"FOOT\t{len(lines) + 1}\t{len(lines) + 1}\t3\t{len(sold)}\t{len(sold)}")
    report, rows, _ = imported(workspace, lines)
    expected = [0] * len(sold)
    for pool in range(3):
        places = [n for n, (of, _, bearing, _) in enumerate(sold) if of == pool and bearing]
        counts = [sold[n][1] for n in places]
        if places:
            due = revenues[pool] * sum(counts) // (used[pool] + elsewhere)
            weights = [sold[n][1] * (4 * sold[n][3] + 1) for n in places] if priced else counts
            for n, amount in zip(places, largest_remainder(due, weights), strict=True):
                expected[n] = amount
    assert [row["amount_micro"] for row in rows] == expected
    assert sum(total.amount_micro for total in report.sums) == sum(expected)


@FEW
@given(streams=st.lists(st.integers(1, 10**6), min_size=5, max_size=40), seed=st.integers(0, 10**6))
def test_a_generated_report_lands_to_the_last_millionth(workspace: Workspace, streams: list[int], seed: int) -> None:
    lines = list(dsr_lines(n_blocks=len(streams), streams=streams, seed=seed))
    report, rows, faults = imported(workspace, lines, dsr_name())
    assert faults == []
    assert [row["quantity"] for row in rows] == streams
    assert [total.missing_micro for total in report.sums] == [0] * 4


@FEW
@given(
    records=st.lists(
        st.sampled_from(["FOOT", "HEAD", "SY01.03\tS0", "AS01\t1", "SU02\t1\tS0\t\t", "SR03", "\t\t", "RE02"])
    )
)
def test_any_records_are_faults_and_never_a_crash(workspace: Workspace, records: list[str]) -> None:
    lines = list(dsr_lines(n_blocks=5))
    _, rows, faults = imported(workspace, [*lines[:-1], *records, lines[-1]], dsr_name())
    assert len(rows) == 5
    assert bool(faults) == bool(records)
