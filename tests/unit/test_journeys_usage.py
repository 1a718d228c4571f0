import gzip
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.usage_files import dsr_lines, dsr_name, table_lines, write_lines
from linernotes.errors import ConflictError, InvariantError, NotFoundError
from linernotes.journeys.usage import ImportedUsage, import_usage
from linernotes.model import Recording, RecordingEntry
from linernotes.store.usage_scratch import UsageScratch
from linernotes.store.usage_sql import COLUMNS
from linernotes.workspace import Workspace

AT = datetime(2026, 6, 3, tzinfo=UTC)
TABLE = "period,territory,currency,amount,quantity,isrc,title,artist,source"
GOOD = "2026-05,DE,EUR,12.50,100,DE-ZZ1-00-00001,Night,Ada,Streamer"
UGC_HEAD = "HEAD\tdsrf/30\tUGCProfile\t1.1\tM1\t2026-06-02T12:00:00Z\t1\t1\t2026-04-01\t2026-06-30\tP\tTube\tFree"
UGC_SUM = "SY02.02\tS1\t\t\tAdSupported\tStream\tIS\tFree\t30\t\tUSD\t10.5"


@pytest.fixture
def workspace(tmp_path: Path, place: Path | str) -> Iterator[Workspace]:
    url = None if isinstance(place, Path) else place
    with Workspace(tmp_path / "workspace", database_url=url, writable=True) as opened:
        yield opened


def imported(workspace: Workspace, *paths: Path, **options: Any) -> ImportedUsage:
    return import_usage(workspace, paths, at=AT, **options)


def table(tmp_path: Path, *lines: str, name: str = "usage.csv", header: str = TABLE) -> Path:
    return write_lines(tmp_path / name, [header, *lines])


def report(tmp_path: Path, *lines: str, head: str = UGC_HEAD, name: str = "report.tsv", n_sums: int = 1) -> Path:
    n_blocks = len({line.split("\t")[1] for line in lines if line[:2] == "AS"})
    foot = f"FOOT\t{len(lines) + 2}\t{len(lines) + 2}\t{n_sums}\t{n_blocks}\t{n_blocks}"
    return write_lines(tmp_path / name, [head, *lines, foot])


def usage(workspace: Workspace, columns: str = "*") -> list[tuple[Any, ...]]:
    paths = [str(path) for path in workspace.usage.paths()]
    if not paths:
        return []
    with duckdb.connect() as database:
        return database.execute(f"SELECT {columns} FROM read_parquet(?) ORDER BY line, isrc", [paths]).fetchall()


def faults(workspace: Workspace, result: ImportedUsage) -> list[str]:
    (one,) = result.reports
    name = one.name
    return [
        f"{one.where(fault.line).removeprefix(name + ':')}{'' if fault.lost else ' remark'}: {fault.reason}"
        for fault in workspace.usage.faults(one.id)
    ]


def asset(block: int, resource: int = 1, *, isrc: str = "DEZZ10000001", iswc: str = "") -> str:
    return (
        f"AS02\t{block}\tR{resource}\tsp{block}-{resource}\t{isrc}\tTitle {resource}\t\tAda\t\t\tSoundRecording\t{iswc}"
    )


def stream(block: int, count: str, *, pool: str = "S1", ref: str = "R1", release: str = "", bearing: str = "") -> str:
    return f"SU02\t{block}\t{pool}\tT{block}\t{release}\t{ref}\t{bearing}\t{count}"


def pool(revenue: str, usages: str, *, id_: str = "S1", territory: str = "DE", currency: str = "EUR") -> str:
    return f"SY01.01\t{id_}\t\t\tSubscription\tStream\t{territory}\tPremium\t{usages}\t\t{currency}\t{revenue}"


BASIC = UGC_HEAD.replace("UGCProfile\t1.1", "BasicAudioProfile\t1.2")


# ── tables ───────────────────────────────────────────────────────────────────


def test_a_table_becomes_usage(tmp_path: Path, workspace: Workspace) -> None:
    upload = "ab" * 32
    path = write_lines(
        tmp_path / "usage.csv",
        [
            "date,period,Country,currency,revenue,streams,isrc,upload,iswc,title,artist,store,use_type,model,mood",
            f'2026-05-31,2026-05,uk,eur,-0.000001,0,, {upload.upper()},T-034.524.680-1,"Say ""hi"", you",Ada,S,OnDemandStream,Sub,x',  # noqa: E501
            "20260401,,DE,USD,999999999999.999999,2,de-zz1-00-00002,,nonsense,,,,,,",
        ],
    )
    result = imported(workspace, path)
    (one,) = result.reports
    assert result.ignored_columns == ["mood"]
    assert (one.format, one.periods, one.n_lines, one.n_faulty) == ("csv", ["2026-04", "2026-05"], 2, 0)
    assert [(total.currency, total.amount_micro, total.stated_micro) for total in one.sums] == [
        ("EUR", -1, None),
        ("USD", 999_999_999_999_999_999, None),
    ]
    first = (one.id, 2, "2026-05", date(2026, 5, 31), "GB", "EUR", -1, 0, None, upload, "T0345246801", 'Say "hi", you')
    second = (one.id, 3, "2026-04", date(2026, 4, 1), "DE", "USD", 999_999_999_999_999_999, 2, "DEZZ10000002", None)
    assert usage(workspace) == [
        (*first, "Ada", "S", "OnDemandStream", "Sub"),
        (*second, None, "", "", "", "", ""),
    ]
    with duckdb.connect() as database:
        rows = database.execute("DESCRIBE FROM read_parquet(?)", [str(workspace.usage.paths()[0])]).fetchall()
    assert tuple(name for name, *_ in rows) == COLUMNS
    assert [kind for _, kind, *_ in rows] == [
        *("VARCHAR", "BIGINT", "VARCHAR", "DATE", "VARCHAR", "VARCHAR", "BIGINT", "BIGINT"),
        *["VARCHAR"] * 8,
    ]


BAD_LINES = {
    "2026-13,DE,EUR,1,1,X,,,": "period '2026-13': not a month such as 2026-05",
    ",DE,EUR,1,1,X,,,": "date, period: both empty; give one",
    "2026-05,Germany,EUR,1,1,X,,,": "territory 'Germany': not an ISO 3166-1 country",
    "2026-05,DE,Euro,1,1,X,,,": "currency 'EURO': not an ISO 4217 currency",
    "2026-05,DE,EUR,1e30,1,X,,,": "amount '1e30': not a number of up to 12 digits and 6 decimals, with a point",
    f"2026-05,DE,EUR,1{'0' * 30},1,X,,,": f"amount '1{'0' * 30}': not a number of up to 12 digits and 6 decimals,"
    " with a point",
    "2026-05,DE,EUR,0.0000001,1,X,,,": "amount '0.0000001': not a number of up to 12 digits and 6 decimals,"
    " with a point",
    "2026-05,DE,EUR,,1,X,,,": "amount '': not a number of up to 12 digits and 6 decimals, with a point",
    "2026-05,DE,EUR,-1,1,X,,,": "amount '-1': revenue below zero for usage above zero;"
    " a correction has both below zero",
    "2026-05,DE,EUR,1,-1,X,,,": "amount '1': revenue above zero for usage below zero",
    "2026-05,DE,EUR,1,1.5,X,,,": "quantity '1.5': not a whole number of up to 12 digits",
    "2026-05,DE,EUR,1,1,,,,": "isrc, upload_sha256, title: all empty; say what was used",
}


def test_faulty_lines_are_kept_with_their_reasons_and_good_ones_land(tmp_path: Path, workspace: Workspace) -> None:
    result = imported(workspace, table(tmp_path, GOOD, *BAD_LINES, GOOD))
    (one,) = result.reports
    assert (one.n_lines, one.n_faulty) == (2, len(BAD_LINES))
    assert faults(workspace, result) == [f"{line}: {why}" for line, why in enumerate(BAD_LINES.values(), 3)]
    assert [fault.raw for fault in workspace.usage.faults(one.id)] == list(BAD_LINES)
    assert usage(workspace, "line, amount_micro") == [(2, 12_500_000), (len(BAD_LINES) + 3, 12_500_000)]


def test_a_malformed_line_spoils_no_other(tmp_path: Path, workspace: Workspace) -> None:
    lines = [
        GOOD,
        "2026-05,DE,EUR,1,1,X",
        "",
        '2026-05,DE,EUR,1,1,X,"a" b,,',
        '2026-05,DE,EUR,1,1,X,"open,,',
        GOOD,
        '2026-05,DE,EUR,1,1,X,close",,',
        '2026-05,DE,EUR,1,1,X,"said ""so"", twice",,',
    ]
    result = imported(workspace, table(tmp_path, *lines))
    assert faults(workspace, result) == [
        "3: the line has 6 cells, the header 9",
        "5: a quote within a cell; double it and quote the cell",
        "6: a quoted cell goes over the end of the line; write it on one line",
        "7: a quoted cell goes over the end of the line; write it on one line",
        "8: a quoted cell goes over the end of the line; write it on one line",
    ]
    assert usage(workspace, "line, title") == [(2, "Night"), (9, 'said "so", twice')]


def test_hostile_bytes_are_faults(tmp_path: Path, workspace: Workspace) -> None:
    path = table(tmp_path, GOOD)
    path.write_bytes(path.read_bytes() + b"2026-05,DE,EUR,1,1,X,\xff,,\n2026-05,DE,EUR,1,1,\0,,,\n" + GOOD.encode())
    result = imported(workspace, path)
    assert faults(workspace, result) == ["3: not UTF-8: byte 0xff at place 22", "4: a NUL in the line"]
    (one,) = result.reports
    assert next(fault.raw for fault in workspace.usage.faults(one.id)).endswith(r"X,\xff,,")
    assert usage(workspace, "line") == [(2,), (5,)]


def test_line_ends_and_marks_make_no_difference(tmp_path: Path, workspace: Workspace) -> None:
    text = f"{TABLE}\n{GOOD}\n"
    for name, data in {
        "crlf.csv": text.replace("\n", "\r\n").encode(),
        "mark.csv": text.encode("utf-8-sig"),
        "utf16.csv": text.encode("utf-16"),
        "tabs.csv": text.replace(",", "\t").encode(),
    }.items():
        (tmp_path / name).write_bytes(data)
        result = imported(workspace, tmp_path / name)
        assert [(r.n_lines, r.n_faulty) for r in result.reports] == [(1, 0)], (name, result.problems)
    assert usage(workspace, "line, amount_micro, isrc, source") == [(2, 12_500_000, "DEZZ10000001", "Streamer")] * 4


# ── idempotency, crashes ─────────────────────────────────────────────────────


def test_the_same_content_twice_changes_nothing(tmp_path: Path, workspace: Workspace) -> None:
    path = table(tmp_path, GOOD)
    first = imported(workspace, path)
    (tmp_path / "again.csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    before = {file: file.stat().st_mtime_ns for file in workspace.usage.paths()}
    second = imported(workspace, path, tmp_path / "again.csv.gz")
    assert (second.reports, [r.id for r in second.already]) == ([], [first.reports[0].id] * 2)
    assert {file: file.stat().st_mtime_ns for file in workspace.usage.paths()} == before
    assert len(workspace.usage) == 1


def test_a_crash_between_parquet_and_row_is_made_good(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path, GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(type(workspace.usage), "enter", lambda *_: (_ for _ in ()).throw(InvariantError("power cut")))
        with pytest.raises(InvariantError):
            imported(workspace, path)
    assert (len(workspace.usage), workspace.usage.paths()) == (0, [])  # what has no row does not count
    assert len(list(workspace.usage.folder.glob("*/*.parquet"))) == 1
    assert len(imported(workspace, path).reports) == 1
    assert usage(workspace, "line") == [(2,)]


@pytest.mark.parametrize("step", ["load", "put_usage", "divide", "write", "faults"])
def test_kill_at_a_step_then_the_same_command_does_the_rest(tmp_path: Path, step: str) -> None:
    path = write_lines(tmp_path / dsr_name(), dsr_lines(n_blocks=50))
    code = f"""
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from linernotes.journeys.usage import import_usage
from linernotes.store.usage_scratch import UsageScratch
from linernotes.workspace import Workspace
step = UsageScratch.{step}
def killed(*given, **named):
    done = step(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
UsageScratch.{step} = killed
with Workspace(sys.argv[1], writable=True) as opened:
    import_usage(opened, [Path(sys.argv[2])], at=datetime.now(UTC))
"""
    folder = tmp_path / "workspace"
    done = subprocess.run([sys.executable, "-c", code, str(folder), str(path)], env=os.environ, check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list((folder / "usage").glob(".import-*"))) == 1
    with Workspace(folder, writable=True) as workspace:
        assert len(workspace.usage) == 0
        (one,) = imported(workspace, path).reports
        assert one.n_lines == 50
        assert list((folder / "usage").glob(".import-*")) == []
        assert len(usage(workspace)) == 50


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = table(tmp_path, GOOD)
    with UsageScratch(tmp_path / "usage") as scratch, pytest.raises(InvariantError, match="2 lines came in, 3 were"):
        scratch.load(path, 3)


# ── Digital Sales Reports ────────────────────────────────────────────────────


def test_lines_with_their_own_revenue(tmp_path: Path, workspace: Workspace) -> None:
    path = report(
        tmp_path,
        "#HEAD\tfor people",
        UGC_SUM,
        "AS01\t1\tR1\tsp1\tUSSM19803037|USSM19803038\tOne \\\\| two\t\tAda\t\tPT0S\tSoundRecording",
        "MW01\t1\tw1\t\tUntitled",
        "MW01\t1\tw2\tT-034.524.680-1\tTitled",
        "SU03.02\t1\tT1\tS1\tsp1\t20\t7.25\t20260501\t20260531",
        "AS01\t2\tR1\tsp2\t\tTwo\t\tBen\t\tPT0S\tSoundRecording",
        "SU03.02\t2\tT2\t\tsp2\t10.5\t3.25",
        "LI01.02\t2\tS1\tSomebody",
    )
    result = imported(workspace, path)
    assert faults(workspace, result) == ["3 remark: summary S1: states 30 usages, its lines have 30.5"]
    columns = "line, period, used_on, territory, currency, amount_micro, quantity, isrc, iswc, title, artist, source"
    assert usage(workspace, f"{columns}, use_type, commercial_model") == [
        (
            7,
            "2026-05",
            date(2026, 5, 1),
            "IS",
            "USD",
            7250000,
            20,
            "USSM19803037",
            "T0345246801",
            "One | two",
            "Ada",
            "Tube · Free",
            "Stream",
            "AdSupported",
        ),
        (
            9,
            "2026-04",
            date(2026, 4, 1),
            "IS",
            "USD",
            3250000,
            11,
            None,
            None,
            "Two",
            "Ben",
            "Tube · Free",
            "Stream",
            "AdSupported",
        ),
    ]
    (total,) = result.reports[0].sums
    assert (total.amount_micro, total.stated_micro, total.missing_micro) == (10_500_000, 10_500_000, 0)


def test_a_summary_is_divided_to_the_last_millionth(tmp_path: Path, workspace: Workspace) -> None:
    lines = [pool("0.000010", "3"), *(x for block in (1, 2, 3) for x in (asset(block), stream(block, "1")))]
    result = imported(workspace, report(tmp_path, *lines, head=BASIC))
    assert faults(workspace, result) == []
    assert usage(workspace, "amount_micro") == [(4,), (3,), (3,)]  # what is over goes to the earlier line


def test_largest_remainders_come_first(tmp_path: Path, workspace: Workspace) -> None:
    counts = ["1", "5", "1", "3"]
    lines = [pool("0.000007", "10"), *(x for n, c in enumerate(counts) for x in (asset(n), stream(n, c)))]
    imported(workspace, report(tmp_path, *lines, head=BASIC))
    # 0.7, 3.5, 0.7 and 2.1: the bases are 0, 3, 0, 2, and the two millionths over go to 0.7 and 0.7.
    assert usage(workspace, "amount_micro") == [(1,), (3,), (1,), (2,)]


def test_faulty_lines_leave_their_part_of_a_summary_out(tmp_path: Path, workspace: Workspace) -> None:
    lines = [pool("10", "4"), *(x for n, c in enumerate(["1", "x", "2"]) for x in (asset(n), stream(n, c)))]
    result = imported(workspace, report(tmp_path, *lines, head=BASIC))
    assert faults(workspace, result) == [
        "2 remark: summary S1: states 4 usages, its lines have 3",
        "6: NumberOfStreams 'x': not a number of up to 12 digits and 6 decimals",
    ]
    assert usage(workspace, "amount_micro") == [(2_500_000,), (5_000_000,)]
    assert result.reports[0].sums[0].missing_micro == 2_500_000


def test_more_usages_than_stated_share_what_there_is(tmp_path: Path, workspace: Workspace) -> None:
    lines = [pool("9", "2"), *(x for n in range(3) for x in (asset(n), stream(n, "1")))]
    result = imported(workspace, report(tmp_path, *lines, head=BASIC))
    assert faults(workspace, result) == ["2 remark: summary S1: states 2 usages, its lines have 3"]
    assert usage(workspace, "amount_micro") == [(3_000_000,)] * 3


def test_what_bears_no_royalty_brings_nothing(tmp_path: Path, workspace: Workspace) -> None:
    lines = [pool("9", "3"), asset(1), stream(1, "1", bearing="true"), asset(2), stream(2, "2", bearing="false")]
    imported(workspace, report(tmp_path, *lines, head=BASIC))
    assert usage(workspace, "amount_micro, quantity") == [(3_000_000, 1), (0, 2)]


def test_downloads_are_divided_by_price_times_sales(tmp_path: Path, workspace: Workspace) -> None:
    sale = "SU01\t{0}\tS1\tT{0}\t\tR1\ttrue\tfalse\t{1}\t{2}\t{3}"
    lines = [pool("7", "3"), asset(1), sale.format(1, 3, 1, "0.50"), asset(2), sale.format(2, 1, 0, "2.50")]
    imported(workspace, report(tmp_path, *lines, head=BASIC))
    assert usage(workspace, "amount_micro, quantity") == [(2_000_000, 2), (5_000_000, 1)]
    no_price = [pool("7", "3"), asset(1), sale.format(1, 3, 1, ""), asset(2), sale.format(2, 1, 0, "2.50")]
    with Workspace(tmp_path / "other", writable=True) as other:
        imported(other, report(tmp_path, *no_price, head=BASIC))
        assert usage(other, "amount_micro") == [(4_666_667,), (2_333_333,)]


def test_subscriptions_films_and_broadcasts(tmp_path: Path, workspace: Workspace) -> None:
    films = [
        "SY03\tS1\t\t\tSubscription\tStream\tDE\tPremium\t4\t9\tEUR\t8",
        "SY08\tS2\t\t\tRadio\tOne\tAdvertisement\tBroadcast\tAT\t3\t900\t\tEUR\t6",
        "AS03\t1\tR1\tsp1\t\t\tp1\tFilm\tA film",
        "SU04\t1\tS1\tT1\t\tR1\t\tHD\t\t\t\t\ttrue\tfalse\t4\t0\tPT9M",
        asset(2),
        "SU05\t2\tS2\tT2\tR1\ttrue\t1\t300\tPT3M",
        asset(3),
        "SU05\t3\tS2\tT3\tR1\ttrue\t2\t600\tPT3M",
    ]
    result = imported(workspace, report(tmp_path, *films, head=BASIC, n_sums=2))
    assert faults(workspace, result) == []
    assert usage(workspace, "title, territory, amount_micro, quantity") == [
        ("A film", "DE", 8_000_000, 4),
        ("Title 1", "AT", 2_000_000, 1),
        ("Title 1", "AT", 4_000_000, 2),
    ]


def test_returns_alone_are_a_correction(tmp_path: Path, workspace: Workspace) -> None:
    sale = "SU01\t1\tS1\tT1\t\tR1\ttrue\tfalse\t0\t2\t0.50"
    result = imported(workspace, report(tmp_path, pool("-1", "-2"), asset(1), sale, head=BASIC))
    assert faults(workspace, result) == []
    assert usage(workspace, "amount_micro, quantity") == [(-1_000_000, -2)]
    wrong = report(tmp_path, pool("1", "-2"), asset(1), sale, head=BASIC)
    with Workspace(tmp_path / "other", writable=True) as other:
        told = faults(other, imported(other, wrong))
        assert told == ["2 remark: summary S1: no usage that its revenue of 1 could be divided by"]
        assert usage(other, "amount_micro, quantity") == [(0, -2)]


def test_a_release_is_divided_by_its_resources(tmp_path: Path, workspace: Workspace) -> None:
    lines = [
        pool("0.000020", "2"),
        "RE01\t1\tRL1\tdsp-release",
        asset(1, 1, isrc="A1"),
        asset(1, 2, isrc="A2"),
        asset(1, 3, isrc="A3"),
        "RE02\t1\tRL2\tpart\t\tR2|R3",
        stream(1, "1", ref="", release="RL1"),
        stream(1, "1", ref="", release="RL2"),
    ]
    result = imported(workspace, report(tmp_path, *lines, head=BASIC))
    assert faults(workspace, result) == []
    assert usage(workspace, "line, isrc, amount_micro, quantity") == [
        *((8, "A1", 4, 1), (8, "A2", 3, 1), (8, "A3", 3, 1)),
        *((9, "A2", 5, 1), (9, "A3", 5, 1)),
    ]
    assert result.reports[0].n_lines == 2


def test_what_points_nowhere_is_a_fault(tmp_path: Path, workspace: Workspace) -> None:
    lines = [
        pool("1", "5"),
        pool("1", "1", id_="S2", territory="Atlantis"),
        *(asset(1), asset(1, 2), stream(1, "1", ref="R9"), stream(1, "1", pool="S2"), stream(1, "1", pool="S'3")),
        *(stream(9, "1"), stream(1, "1", release="RL1", ref=""), "SU02\t1\tS1"),
        *(asset(2), stream(2, "1", ref="of its only resource")),
        *(asset(3), asset(3, isrc="DEZZ10000009"), stream(3, "1")),
        *("XX99\t1", "SU77\t1\t2", "nonsense", ""),
    ]
    result = imported(workspace, report(tmp_path, *lines, head=BASIC, n_sums=2))
    assert faults(workspace, result) == [
        "3: Territory 'Atlantis': not an ISO 3166-1 country",
        "6: TransactedResource 'R9': its block 1 names no such resource",
        "7: no good summary 'S2' in this report",
        "8: no good summary 'S'3' in this report",
        "9: TransactedResource 'R1': its block 9 names no such resource",
        "10: TransactedRelease 'RL1': its block 1 has no resource of such a release",
        "11: the line ends after 3 cells; SU02 has 8 at least",
        "17: 'XX99': its cells are not known; add a line of headings, #XX99…",
        "18: 'SU77': its cells are not known; add a line of headings, #SU77…",
        "19: 'nonsense': no record type",
    ]
    assert usage(workspace, "line, isrc") == [(13, "DEZZ10000001"), (16, "DEZZ10000001")]  # the first of two, once


def test_single_records_say_all_in_one_line(tmp_path: Path, workspace: Workspace) -> None:
    cells = ["SR02", "S1", "sp1", "DEZZ10000001", "Night", "", "Ada", "", "", "SoundRecording", "", "T0345246801"]
    cells += [""] * (33 - len(cells) - 1) + ["T1", "true", "4"]
    layout_at = 35
    assert cells[layout_at - 1] == "4"
    head = BASIC.replace("HEAD", "SRHE").replace("BasicAudioProfile", "BasicAudioProfileSRB")
    lines = [head, pool("1.5", "4"), "\t".join(cells), "SRFO\t4\t1"]
    result = imported(workspace, write_lines(tmp_path / "single.tsv", lines))
    assert faults(workspace, result) == []
    assert usage(workspace, "amount_micro, quantity, isrc, iswc, title, artist") == [
        (1_500_000, 4, "DEZZ10000001", "T0345246801", "Night", "Ada")
    ]


def test_totals_that_disagree_are_told_with_both_figures(tmp_path: Path, workspace: Workspace) -> None:
    lines = [UGC_SUM, "AS01\t1\tR1\tsp1\tX\tT\t\tA\t\t\tS", "SU03.02\t1\tT1\tS1\tsp1\t30\t10.499999"]
    path = write_lines(tmp_path / "report.tsv", [UGC_HEAD, *lines, "FOOT\t6\t5\t2\t1\t1"])
    result = imported(workspace, path)
    assert faults(workspace, result) == [
        "2 remark: summary S1: states 10.5 USD, its lines bring 10.499999",
        "5 remark: NumberOfLinesInFile is '6', counted 5; NumberOfSummaryRecords is '2', counted 1",
    ]
    assert result.reports[0].sums[0].missing_micro == 1
    assert (result.reports[0].n_faulty, result.reports[0].n_remarks) == (0, 2)


def test_a_report_cut_short_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    path = write_lines(tmp_path / dsr_name(), list(dsr_lines(n_blocks=9))[:-3])
    packed = tmp_path / "cut.tsv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes())[:-20])
    good = table(tmp_path, GOOD)
    result = imported(workspace, path, packed, good)
    assert [problem.message.split(": ", 1)[1] for problem in result.problems] == [
        "the gzip is cut short; ask for the file again",
        "no FOOT at its end; the file is cut short, ask for it again",
    ]
    assert [one.format for one in result.reports] == ["csv"]
    assert list(workspace.usage.folder.glob(".import-*")) == []


def test_a_report_in_several_files_comes_in_whole(tmp_path: Path, workspace: Workspace) -> None:
    whole = list(dsr_lines(n_blocks=20))
    head, sums, blocks = whole[0], whole[1:6], whole[6:-1]
    paths = []
    for number, part in ((1, blocks[:30]), (2, blocks[30:])):
        n_lines = len(part) + 7
        total = f"{len(blocks) + 14}\t5\t{len(part) // 2}\t20" if number == 2 else f"\t5\t{len(part) // 2}\t"
        lines = [head.replace("\t1\t1\t", f"\t{number}\t2\t"), *sums, *part, f"FOOT\t{n_lines}\t{total}"]
        paths.append(write_lines(tmp_path / dsr_name(number=number, of=2), lines))
    result = imported(workspace, paths[0])
    (problem,) = result.problems
    assert (problem.code, result.reports) == ("incomplete", [])
    assert problem.message.endswith("a report of 2 files, without file 2 of 2; give all of them at once")
    result = imported(workspace, paths[1], paths[0])
    (one,) = result.reports
    assert (result.problems, [file.name for file in one.files], one.n_faulty) == ([], [path.name for path in paths], 0)
    assert [fault.reason for fault in workspace.usage.faults(one.id)] == []
    assert [(s.currency, s.missing_micro) for s in one.sums] == [(c, 0) for c in ("EUR", "GBP", "JPY", "USD")]
    assert one.where(40) == f"{paths[1].name}:3"
    assert imported(workspace, *paths).already == [one]


# ── finding, matching ────────────────────────────────────────────────────────


def test_reports_are_found_by_id_and_by_name(tmp_path: Path, workspace: Workspace) -> None:
    (one,) = imported(workspace, table(tmp_path, GOOD)).reports
    assert workspace.usage.find(one.id[:8]) == one == workspace.usage.find("usage.csv") == workspace.usage.get(one.id)
    with pytest.raises(NotFoundError, match="linernotes usage list"):
        workspace.usage.find("zz")
    imported(workspace, table(tmp_path, GOOD, GOOD))
    with pytest.raises(ConflictError, match=r"2 reports are called 'usage\.csv'"):
        workspace.usage.find("usage.csv")


def test_the_unmatched_wait_until_the_catalogue_learns_them(tmp_path: Path, workspace: Workspace) -> None:
    other = GOOD.replace("00001", "00002").replace("12.50", "1.25")
    imported(workspace, table(tmp_path, GOOD, GOOD, other, "2026-05,DE,EUR,0.5,1,,Only a title,,"))
    told = [(row.isrc, row.title, row.amount_micro, row.quantity, row.n_lines) for row in workspace.usage.unmatched()]
    assert told == [
        ("DEZZ10000001", "Night", 25_000_000, 200, 2),
        ("DEZZ10000002", "Night", 1_250_000, 100, 1),
        (None, "Only a title", 500_000, 1, 1),
    ]
    recording = Recording("r1", "Night", "Ada", "cd" * 32, "night.wav", 3.0, 44100, 2, isrc="DEZZ10000001")
    workspace.catalogue.add(RecordingEntry(recording))
    assert [row.isrc for row in workspace.usage.unmatched(limit=1)] == ["DEZZ10000002"]


def test_usage_that_is_gone_is_told(tmp_path: Path, workspace: Workspace) -> None:
    imported(workspace, table(tmp_path, GOOD))
    workspace.usage.paths()[0].unlink()
    with pytest.raises(NotFoundError, match="the usage of a report is gone"):
        workspace.usage.unmatched()


def test_little_memory_gives_the_same(tmp_path: Path, workspace: Workspace) -> None:
    path = write_lines(tmp_path / dsr_name(gzipped=True), dsr_lines(n_blocks=3000))
    imported(workspace, path, memory_mib=64, threads=1)
    with Workspace(tmp_path / "other", writable=True) as other:
        imported(other, path)
        assert usage(other) == usage(workspace)
        assert [p.read_bytes() for p in other.usage.paths()] == [p.read_bytes() for p in workspace.usage.paths()]


def test_generated_files_are_seeded(tmp_path: Path) -> None:
    assert list(dsr_lines(n_blocks=5)) == list(dsr_lines(n_blocks=5))
    assert list(table_lines(n_lines=5)) == list(table_lines(n_lines=5))


@pytest.mark.parametrize("kind", ["basic", "ugc"])
def test_a_report_read_in_stretches_is_the_same(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    lines = list(dsr_lines(n_blocks=500))
    if kind == "ugc":  # blocks of several resources, each followed by its usage
        lines = [line.replace(f"\t{n}\t", f"\t{n // 3}\t", 1) if n % 3 else line for n, line in enumerate(lines)]
    path = write_lines(tmp_path / dsr_name(), lines)
    with monkeypatch.context() as patch:
        patch.setattr("linernotes.store.usage_scratch._SPAN_LINES", 100)
        imported(workspace, path)
    with Workspace(tmp_path / "other", writable=True) as other:
        imported(other, path)
        assert usage(other) == usage(workspace) != []
