"""Money on the command line: terms, usage, a run, a close, the books."""

import csv
import json
from fractions import Fraction
from pathlib import Path

from linernotes.model import Party, Recording, RecordingEntry, RightType, Share
from linernotes.workspace import Workspace
from tests.conftest import Run

ISRCS = ("DEA000000001", "DEA000000002")


def fill(folder: Path) -> None:
    with Workspace(folder, writable=True) as workspace:
        for number, isrc in enumerate(ISRCS):
            recording = Recording(f"rec_{number}", "T", "A", f"{number}" * 64, "x", 1.0, 1, 1, isrc=isrc)
            shares = [
                Share(recording.id, "pty_ada", RightType.MASTER, Fraction(1, 2)),
                Share(recording.id, "pty_bea", RightType.MASTER, Fraction(1, 2)),
                Share(recording.id, "pty_ada", RightType.TRAINING, Fraction(1)),
            ]
            parties = [Party("pty_ada", "Ada"), Party("pty_bea", "Bea")]
            workspace.catalogue.add(RecordingEntry(recording, parties=parties, shares=shares))


def test_from_usage_to_closed_books(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    fill(folder)
    header = "period,territory,currency,amount,quantity,isrc,title,artist,source,use_type,commercial_model\n"
    (tmp_path / "usage.csv").write_text(
        header
        + f"2026-01,DE,EUR,100,2000,{ISRCS[0]},T,A,Shop,OnDemandStream,Subscription\n"
        + f"2026-01,DE,USD,0.001,1,{ISRCS[1]},T,A,Shop,OnDemandStream,Subscription\n",
        encoding="utf-8",
    )
    done = run("usage", "import", "usage.csv", "--workspace", folder)
    assert done.returncode == 0, done.stderr
    tables = {
        "rules": "use_type,territory,from,to,master,training\n*,,,,1,\ntraining,,,,,1\n",
        "terms": "party,currency,withholding,minimum\nAda,EUR,15%,1\nBea,,,\n",
        "advances": "id,party,currency,amount,paid_on\nadv1,Bea,EUR,60,2026-01-10\n",
        "rates": "base,quote,on,rate,source\nUSD,EUR,2026-01-02,0.9,bank\n",
    }
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        done = run("royalties", name, f"{name}.csv", "--workspace", folder)
        assert done.returncode == 0, done.stderr
        assert run("royalties", name, f"{name}.csv", "--workspace", folder, "--json").returncode == 0
    (tmp_path / "set.csv").write_text(f"isrc,attribution\n{ISRCS[0]},3\n{ISRCS[1]},1\n", encoding="utf-8")
    pool = ("--release", "Model 1", "--period", "2026-01", "--amount", "8", "--currency", "EUR")
    done = run("royalties", "training", "set.csv", *pool, "--informativeness", "0.5", "--workspace", folder)
    assert done.returncode == 0, done.stderr
    done = run("royalties", "run", "--period", "2026-01", "--close", "--workspace", folder, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["is_new"], told["closed"], told["received"]) == (True, True, {"EUR": 108_000_000, "USD": 1000})
    balance = run("ledger", "balance", "--party", "Ada", "--workspace", folder, "--json")
    of_ada = {(b["account"], b["currency"]): b["amount_micro"] for b in map(json.loads, balance.stdout.splitlines())}
    # 50 and the training's 8, and 0.00045 from the dollars; 15 % of what is paid out is withheld.
    assert of_ada == {
        ("paid", "EUR"): 49_300_000,
        ("payable", "EUR"): 58_000_450 - 49_300_000 - 8_700_000,
        ("withheld_tax", "EUR"): 8_700_000,
    }
    of_bea = run("ledger", "balance", "--party", "Bea", "--workspace", folder).stdout
    assert "recoupable" in of_bea
    check = run("ledger", "check", "--workspace", folder)
    assert (check.returncode, check.stdout.endswith("everything adds up\n")) == (0, True)
    rows = list(csv.DictReader(run("ledger", "export", "--workspace", folder).stdout.splitlines()))
    assert sum(int(row["amount_micro"]) for row in rows) == 0
    assert "Assets:Cash" in run("ledger", "export", "--form", "beancount", "--workspace", folder).stdout
    assert run("royalties", "run", "--period", "2026-01", "--workspace", folder).returncode == 4
    again = run("royalties", "run", "--period", "2026-02", "--workspace", folder)
    assert again.returncode == 0, again.stderr
    told = run("statement", "Ada", "--period", "2026-01", "--pdf", "ada.pdf", "--workspace", folder, "--json")
    assert told.returncode == 0, told.stderr
    (statement,) = [one for one in json.loads(told.stdout)["statements"] if one["currency"] == "EUR"]
    assert (tmp_path / "ada.pdf").read_bytes().startswith(b"%PDF-")
    assert statement["payable_minor"] == 4930
    line_id = max(statement["lines"], key=lambda one: int(one["amount_micro"]))["id"]
    why = run("statement", "Ada", "--why", line_id, "--workspace", folder, "--json")
    assert why.returncode == 0, why.stderr
    assert json.loads(why.stdout)["usage"]
    paid = run("payments", "list", "--period", "2026-01", "--workspace", folder, "--json")
    assert '"amount_minor": 4930' in paid.stdout, paid.stdout + paid.stderr


def test_faulty_tables_are_told_line_by_line_and_nothing_is_entered(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "w"
    fill(folder)
    cases = {
        "rules": ("use_type,master\nradio,1\n", "must hold for"),
        "terms": ("party,withholding\nAda,2\nZoe,0\n", "not a part between"),
        "advances": (
            "id,party,currency,amount,paid_on\n1,Ada,EUR,1e30,2026-01-01\n2,Ada,EURO,1,x\n",
            "more than the books",
        ),
        "rates": ("base,quote,on,rate\nUSD,EUR,2026-01-01,-1\n", "more than nothing"),
        "training": ("isrc,attribution\nZZZ,1\n", "not in the catalogue"),
    }
    for name, (text, said) in cases.items():
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        more = ("--release", "M", "--period", "2026-01", "--amount", "1", "--currency", "EUR")
        done = run("royalties", name, "t.csv", *(more if name == "training" else ()), "--workspace", folder)
        assert done.returncode == (3 if name == "training" else 2), done.stderr
        assert said in done.stderr
    (tmp_path / "t.csv").write_text("party,withholdin\nAda,0\n", encoding="utf-8")
    done = run("royalties", "terms", "t.csv", "--workspace", folder)
    assert (done.returncode, "withholdin" in done.stderr) == (2, True)
    assert run("royalties", "run", "--period", "soon", "--workspace", folder).returncode == 2
