"""The whole circle on the command line: consent, training, pieces, credits, usage, statements, books that add up."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from linernotes.formats.scores import read_score
from linernotes.model.scores import Key, Metre, Mode
from tests.conftest import Run
from tests.model_samples import RELEASE, WRITERS, catalogue_csv, write_set

pytest.importorskip("torch", reason="needs the extra 'models'")
pytestmark = pytest.mark.extras


def test_from_consent_to_a_statement(run: Run, tmp_path: Path) -> None:
    here = ("--workspace", tmp_path / "w")
    (tmp_path / "catalogue.csv").write_text(catalogue_csv(9, releases=(RELEASE, "Hearth 1.1")), encoding="utf-8")
    assert run("catalogue", "import", "catalogue.csv", *here).returncode == 0
    write_set(tmp_path, 9)
    learn = ("model", "train", "set.csv", "--size", "tiny", "--epochs", "6", "--json", *here)

    # Consent: nobody has said anything, then all but one, then all.
    for writer in WRITERS:
        refused = run(*learn, "--release", RELEASE)
        assert refused.returncode == 4
        assert f"{writer} says review" in refused.stderr
        assert run("policy", "set", writer, "training", "allow", *here).returncode == 0
    done = run(*learn, "--release", RELEASE)
    assert done.returncode == 0, done.stderr
    trained = json.loads(done.stdout)
    assert (trained["works"], trained["problems"]) == (9, [])

    # An outsider checks the release with nothing but its folder and the maker's key.
    audit = run("model", "audit", trained["folder"], "--key", trained["public_key"])
    assert audit.returncode == 0, audit.stdout + audit.stderr
    shown = run("model", "show", RELEASE, *here)
    assert all(f"Tune {number}" in shown.stdout for number in range(9))

    # Pieces, in the key and metre that were asked for, each with credits.
    wanted = ("--key", "D minor", "--metre", "3/4", "--bars", "8", "--style", "folk", "--title", "Ember")
    made = run(
        *("model", "generate", RELEASE, "--out", "out", *wanted, "--variations", "2", "--isrc", "USEMB2600001"),
        *("--informativeness", "1/2", "--pool", "2/5", "--json", *here),
    )
    assert made.returncode == 0, made.stdout + made.stderr
    outputs = json.loads(made.stdout)["outputs"]
    assert len(outputs) == 2
    for output, isrc in zip(outputs, ("USEMB2600001", "USEMB2600002"), strict=True):
        files = {Path(name).suffix: tmp_path / name for name in output["files"]}
        assert set(files) == {".mid", ".musicxml", ".wav", ".json"}
        for ending in (".mid", ".musicxml"):
            score = read_score(files[ending])
            assert (score.key, score.metre) == (Key(2, Mode.MINOR), Metre(3, 4))
        told = json.loads(files[".json"].read_text(encoding="utf-8"))
        assert told == output["credits"]
        assert (told["isrc"], told["contains_ai"], told["pool"], told["n_works"]) == (isrc, "all", "2/5", 9)
        assert sum(owner["ppm"] for owner in told["owners"]) == sum(work["ppm"] for work in told["works"]) == 1_000_000
        assert all(work["ppm"] >= 500_000 // 9 for work in told["works"])  # the flat half

    # What shaped each is kept beside the release, for the pages.
    folder = Path(trained["folder"])
    kept = [
        json.loads(path.read_text(encoding="utf-8")) for path in folder.with_name(f"{folder.name}.outputs").iterdir()
    ]
    assert {each["credits"]["isrc"] for each in kept} == {"USEMB2600001", "USEMB2600002"}
    for each in kept:
        assert sum(owed["share_ppm"] for owed in each["attribution"]["catalogues"]) == 1_000_000

    # Asked again, the release says the same of it: in millionths that add up, each with an interval.
    asked = run("model", "attribute", RELEASE, Path("out") / "Ember 1.mid", "--json", *here)
    assert asked.returncode == 0, asked.stderr
    attribution = json.loads(asked.stdout)
    assert sum(owed["share_ppm"] for owed in attribution["catalogues"]) == 1_000_000
    assert all(owed["low_ppm"] <= owed["share_ppm"] <= owed["high_ppm"] for owed in attribution["catalogues"])

    # It is a recording like any other: usage of it pays its sources, and the books add up.
    (tmp_path / "usage.csv").write_text(
        "period,territory,currency,amount,quantity,isrc,title,artist,source,use_type,commercial_model\n"
        "2026-11,DE,EUR,100,2000,USEMB2600001,Ember 1,Hearth,Shop,OnDemandStream,Subscription\n",
        encoding="utf-8",
    )
    assert run("usage", "import", "usage.csv", *here).returncode == 0
    ran = run("royalties", "run", "--period", "2026-11", "--close", "--json", *here)
    assert ran.returncode == 0, ran.stderr
    owed = {owner["party"]: owner["ppm"] for owner in outputs[0]["credits"]["owners"]}
    for party, part in {
        **{w: Fraction(2, 5) * ppm / 10**6 for w, ppm in owed.items()},
        "Ember Audio": Fraction(3, 5),
    }.items():
        balance = run("ledger", "balance", "--party", party, "--json", *here)
        micro = sum(json.loads(line)["amount_micro"] for line in balance.stdout.splitlines())
        assert abs(micro - part * 100_000_000) <= 3, (party, micro)  # one rounding a pool, of three rights
        statement = run("statement", party, "--period", "2026-11", "--json", *here)
        assert statement.returncode == 0, statement.stderr
    check = run("ledger", "check", *here)
    assert (check.returncode, check.stdout.endswith("everything adds up\n")) == (0, True)

    # Consent is withdrawn: the release is marked, and the next one learns without.
    assert run("policy", "set", "Cleo", "training", "block", *here).returncode == 0
    marked = json.loads(run("model", "show", RELEASE, "--json", *here).stdout)
    assert {mark["title"] for mark in marked["withdrawn"]} == {"Tune 2", "Tune 5", "Tune 8"}
    following = run(*learn, "--release", "Hearth 1.1")
    assert following.returncode == 2
    told = json.loads(following.stdout)
    assert (told["works"], [problem["code"] for problem in told["problems"]]) == (6, ["withdrawn"] * 3)

    # A release that was tampered with neither passes nor plays.
    weights = Path(trained["folder"]) / "weights.npz"
    weights = tmp_path / weights
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    assert run("model", "audit", trained["folder"]).returncode == 4
    stopped = run("model", "generate", RELEASE, "--out", "other", *here)
    assert (stopped.returncode, "not what was signed" in stopped.stderr) == (4, True)
    assert not list((tmp_path / "other").glob("*.wav"))
