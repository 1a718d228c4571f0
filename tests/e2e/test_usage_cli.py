"""Usage through the command line, on made-up reports and on those that other programs wrote."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.usage_files import dsr_lines, dsr_name, table_lines, write_lines


def run(*arguments: str | Path, workspace: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "linernotes", "usage", *map(str, arguments), "--workspace", str(workspace)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def told(*arguments: str | Path, workspace: Path) -> Any:
    done = run(*arguments, "--json", workspace=workspace)
    assert done.returncode in (0, 2), done.stderr
    return json.loads(done.stdout)


def test_reports_come_in_and_are_shown(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    path = write_lines(tmp_path / dsr_name(gzipped=True), dsr_lines(n_blocks=40))
    first = run("import", path, workspace=workspace)
    assert (first.returncode, first.stderr) == (0, "")
    assert "40 lines of usage · 2026-05" in first.stdout
    assert "here already, nothing changed" in run("import", path, workspace=workspace).stdout
    table = write_lines(tmp_path / "usage.csv", [*table_lines(n_lines=20), "2026-05,DE,EUR,one,1,X,,,,,"])
    done = run("import", table, tmp_path / "none.tsv", workspace=workspace)
    assert done.returncode == 2
    assert "none.tsv: no such file" in done.stderr
    assert "1 faulty" in done.stdout
    assert [report["n_lines"] for report in told("list", workspace=workspace)] == [40, 20]
    assert "usage.csv" in run("list", workspace=workspace).stdout
    (fault,) = [
        json.loads(line) for line in run("faults", "usage.csv", "--json", workspace=workspace).stdout.splitlines()
    ]
    assert (fault["where"], fault["lost"]) == ("usage.csv:22", True)
    assert "amount 'one': not a number" in run("faults", "usage.csv", workspace=workspace).stdout
    rows = told("unmatched", "--limit", "3", workspace=workspace)
    assert len(rows) == 3
    assert rows[0]["isrc"] in run("unmatched", workspace=workspace).stdout
    assert run("faults", "zz", workspace=workspace).returncode == 3


def test_an_empty_workspace_has_no_usage(tmp_path: Path) -> None:
    assert told("list", workspace=tmp_path / "w") == []
    assert told("unmatched", workspace=tmp_path / "w") == []
    assert "No usage here yet" in run("list", workspace=tmp_path / "w").stdout
    assert "Nothing is unmatched" in run("unmatched", workspace=tmp_path / "w").stdout
    assert not (tmp_path / "w").exists()


@pytest.fixture
def reports() -> Path:
    folder = Path(os.environ.get("LINERNOTES_DATA") or "/nonexistent") / "rights" / "dsr"
    if not folder.is_dir():
        pytest.skip("no reports of other programs here: set LINERNOTES_DATA to a folder with rights/dsr")
    return folder


def test_a_ugc_report_of_another_program(tmp_path: Path, reports: Path) -> None:
    (path,) = reports.glob("DSR_TEST_YouTube_*.tsv")
    packed = tmp_path / (path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    (report,) = told("import", packed, workspace=tmp_path / "w")["imported"]
    assert (report["sender"], report["n_lines"], report["n_faulty"]) == ("YouTube", 6, 0)
    assert report["periods"] == ["2015-10", "2015-12"]
    (total,) = report["sums"]
    assert (total["currency"], total["amount_micro"]) == ("USD", 7_000_000)
    assert total["stated_micro"] == (409_050_000 + 359_710_000 + 3_424_290_000 + 11_570_530_000)
    assert told("import", path, workspace=tmp_path / "w")["already"] == [report["id"]]
    rows = told("unmatched", workspace=tmp_path / "w")
    assert {(row["isrc"], row["title"], row["quantity"], row["amount_micro"]) for row in rows} == {
        ("USSM19803037", "Sexual Healing", 7810, 2_000_000),
        ("USUV71101875", "All I Want Is You Audio Only", 2045, 2_000_000),
        ("USRH10903879", "This Bitter Earth / On The Nature Of Daylight", 355, 3_000_000),
    }


def test_a_footer_that_counts_a_line_more_is_told(tmp_path: Path, reports: Path) -> None:
    (path,) = reports.glob("DSR_TEST2_YouTube_*.tsv")
    told("import", path, workspace=tmp_path / "w")
    done = run("faults", path.name, workspace=tmp_path / "w")
    assert "NumberOfLinesInFile is '35', counted 34" in done.stdout


def test_reports_that_break_their_own_rules_are_read_as_far_as_they_go(tmp_path: Path, reports: Path) -> None:
    paths = sorted(reports.glob("DSR_PADPIDA*.tsv"))
    result = told("import", *paths, workspace=tmp_path / "w")
    assert result["problems"] == []
    assert [(len(report["files"]), report["n_lines"]) for report in result["imported"]] == [(1, 0), (1, 0), (2, 0)]
    (half,) = [path for path in paths if "_1of2_" in path.name]
    (problem,) = told("import", half, workspace=tmp_path / "other")["problems"]
    assert problem["code"] == "incomplete"
    assert "without file 2 of 2" in problem["message"]
