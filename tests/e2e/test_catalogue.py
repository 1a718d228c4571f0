"""A catalogue in, out and checked, through the command line."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]

TABLE = (
    "title,artist,isrc,iswc,writers,publisher,label\n"
    "Night,Ada,US-AT2-99-00609,T-034.524.680-1,Ada Example [IPI 00014107338] 1/2; Ben 1/4,Pub 1/4,Lab 100%\n"
)


def test_in_out_and_checked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "catalogue.csv").write_text(TABLE + "Bad,,NOPE,,,,\n")
    done = run("catalogue", "import", "catalogue.csv", "--json")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert (told["n_works"], told["n_recordings"], told["n_faulty"]) == (1, 1, 1)
    assert told["problems"][0]["where"] == "catalogue.csv:3 isrc"
    assert run("catalogue", "check").returncode == 0
    (tmp_path / "later.csv").write_text(TABLE.replace("Ben 1/4", "Cem 1/4"))
    later = run("catalogue", "import", "later.csv", "--from", "2026-06-01")
    assert later.returncode == 0
    for day, name in (("2026-05-01", "Ben"), ("2026-06-01", "Cem")):
        shown = json.loads(run("catalogue", "show", "USAT29900609", "--on", day, "--json").stdout)
        names = {party["id"]: party["name"] for party in shown["parties"]}
        assert name in {names[share["party_id"]] for share in shown["shares"]}
        assert ("Ben" in {names[share["party_id"]] for share in shown["shares"]}) == (name == "Ben")
    ipi = ("--sender", "A Sender", "--sender-ipi", "00000000199")
    assert run("catalogue", "export", "--format", "cwr", *ipi, "--out", "x.V21").returncode == 0
    assert (tmp_path / "x.V21").read_text().startswith("HDRPB000000199A SENDER")
    parties = ("--sender", "A", "--sender-dpid", "PADPIDA2014021302H", "--recipient", "B")
    ern = ("catalogue", "export", "--format", "ern", *parties, "--recipient-dpid", "PADPIDA2024072201A")
    assert run(*ern).returncode == 2
    assert "<DealList>" in run(*ern, "--deal-from", "2026-06-01").stdout
    (tmp_path / "down.xml").write_text(run(*ern, "--takedown").stdout)
    down = run("catalogue", "import", "down.xml")
    assert "takedown of USAT29900609" in down.stdout
    table = run("catalogue", "export", "--format", "csv").stdout
    assert "until 2026-06-01" in table
    missing = run("catalogue", "show", "nobody")
    assert missing.returncode == 3


def test_model_releases_enter_are_listed_shown_and_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "models.csv").write_text("model_release,model_party\nHearth 1.0,Ember Audio\nHearth 1.1,\n")
    done = run("catalogue", "import", "models.csv")
    assert done.returncode == 2
    assert "models.csv:3 model_party: nobody named: who answers for the model?" in done.stderr
    assert "model releases entered: 1" in done.stdout
    assert run("catalogue", "list").stdout == ""
    assert (
        "the model release Hearth 1.0  Ember Audio answers for it"
        in run("catalogue", "list", "--model-releases").stdout
    )
    (listed,) = run("catalogue", "list", "--model-releases", "--json").stdout.splitlines()
    told = json.loads(listed)
    assert (told["model_release"]["name"], told["parties"][0]["name"]) == ("Hearth 1.0", "Ember Audio")
    for key in (told["model_release"]["id"], "Ember Audio"):
        assert json.loads(run("catalogue", "show", key, "--json").stdout) == told
        assert "the model release Hearth 1.0" in run("catalogue", "show", key).stdout
    out = tmp_path / "out.csv"
    assert run("catalogue", "export", "--format", "csv", "--out", str(out)).returncode == 0
    again = json.loads(run("catalogue", "import", str(out), "--workspace", "other", "--json").stdout)
    assert (again["n_model_releases"], again["problems"]) == (1, [])
    other = run("catalogue", "list", "--model-releases", "--json", "--workspace", "other").stdout
    assert other.splitlines() == [listed]
