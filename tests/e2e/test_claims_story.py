"""The story through the command line: one upload made from three people's work, and each of them decides."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from linernotes import audio
from linernotes.workspace import Workspace

Run = Callable[..., "subprocess.CompletedProcess[str]"]
RATE_HZ = 22_050
SHA = "5a" * 32


def evidence(kind: str, reference_id: str, title: str, start_s: float, stop_s: float) -> dict[str, object]:
    return {
        "kind": kind,
        "reference": {"id": reference_id, "title": title, "artist": title, "isrc": None, "iswc": None},
        "query_start_s": start_s,
        "query_stop_s": stop_s,
        "reference_start_s": 0.0,
        "reference_stop_s": stop_s - start_s,
        "score": 0.8,
        "probability": 0.97,
        "transform": None,
        "explanation": f"This {kind} was heard.",
        "parameter_id": "fixture",
    }


CATALOGUE = """title,artist,isrc,iswc,writers,label,voice,consent
Anvil,Ada 100%,US-AT2-99-00609,,,,,
Bluebird,Bo,US-AT2-99-00610,T-034.524.680-1,Bea 100%,Blue Records 100%,,
Copper,Cara,US-AT2-99-00611,,,Copper Records 100%,Cara,"signed, 2026-11-01"
"""
SOUNDS = """file,title,isrc
anvil.wav,Anvil,USAT29900609
bluebird.wav,Bluebird,USAT29900610
copper.wav,Copper,USAT29900611
"""


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Import a recording of each person and C's voice from a CSV, then hear the three; gives the folder."""
    folder = tmp_path_factory.mktemp("story")
    rng = np.random.default_rng(4)
    (folder / "catalogue.csv").write_text(CATALOGUE)
    (folder / "sounds.csv").write_text(SOUNDS)
    for file in ("anvil.wav", "bluebird.wav", "copper.wav"):
        samples = rng.standard_normal(6 * RATE_HZ).astype(np.float32) * 0.1
        audio.write(folder / file, samples, sample_rate_hz=RATE_HZ)
    for command in (("catalogue", "import", "catalogue.csv"), ("register", "--metadata", "sounds.csv")):
        subprocess.run([sys.executable, "-m", "linernotes", *command], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture
def catalogued(registered: Path, tmp_path: Path) -> dict[str, str]:
    """Give this test's folder a copy of the registered one; returns the ids of recordings, works and voices."""
    shutil.copytree(registered, tmp_path, dirs_exist_ok=True)
    ids = {}
    with Workspace(tmp_path / "linernotes") as workspace:
        for page in workspace.catalogue.pages():
            for recording in page.recordings:
                ids[recording.title] = recording.id
                ids[f"{recording.title}, the work"] = recording.work_id or ""
            ids |= {f"{voice.name}, the voice": voice.id for voice in page.voices.values()}
    return ids


@pytest.fixture
def notes(tmp_path: Path, catalogued: dict[str, str]) -> Path:
    """Liner notes as a trace would write them, with kinds that no ear here hears yet."""
    line = {
        "query": {"path": "upload.mp3", "sha256": SHA, "duration_s": 60.0, "sample_rate_hz": 44_100, "channels": 2},
        "evidence": [
            evidence("recording", catalogued["Anvil"], "Anvil", 10.0, 20.0),
            evidence("version", catalogued["Bluebird, the work"], "Bluebird", 20.0, 60.0),
            evidence("voice", catalogued["Cara, the voice"], "Cara", 0.0, 60.0),
        ],
    }
    path = tmp_path / "notes.jsonl"
    path.write_text(json.dumps(line) + "\n")
    return path


def told(run: Run, *arguments: str, code: int = 0) -> Any:
    """Run a command with --json and return what it told."""
    done = run(*arguments, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_the_story(run: Run, tmp_path: Path, notes: Path) -> None:
    # Who has spoken once and for all: B says never, C takes half, C's label says never; A wants to be asked.
    assert told(run, "policy", "set", "Bea", "version", "block")["action"] == "block"
    offer = told(run, "policy", "set", "Cara", "voice", "share", "1/2")
    told(run, "policy", "set", "Copper Records", "voice", "block")
    shown = run("policy", "list").stdout.splitlines()
    assert sorted(line.split("  ", 2)[2].strip() for line in shown) == [
        "Bea  version: block",
        "Cara  voice: share 1/2",
        "Copper Records  voice: block",
    ]

    proposed = told(run, "claims", "propose", "--from", str(notes))
    claims = {claim["party"]: claim for claim in proposed["claims"]}
    assert {name: (claim["state"], claim["action"], claim["share"]) for name, claim in claims.items()} == {
        "Ada": ("review", "review", None),
        "Bea": ("confirmed", "block", None),
        "Cara": ("confirmed", "share", "1/2"),
    }
    assert claims["Cara"]["policy_id"] == offer["id"]
    assert any("Copper Records" in reason and "outranks a default" in reason for reason in claims["Cara"]["because"])

    # A looks at what is asked of them, evidence first, and allows it for a share.
    ada = claims["Ada"]["id"]
    inbox = run("claims", "list", "--party", "Ada", "--state", "review").stdout
    assert "Review" in inbox
    assert ada in inbox
    page = run("claims", "show", ada).stdout
    order = [page.index(heading) for heading in ("What was heard", "What is claimed", "Why", "What has happened")]
    assert order == sorted(order)
    share = ("--action", "share", "--share", "1/2", "--side", "recording", "--by", "Ada", "--why", "credit me")
    assert told(run, "claims", "decide", ada, *share)["state"] == "confirmed"

    # B's block is said to where the upload is, with all six elements that the law asks for; nothing before B confirms.
    run("platforms", "add", "Streamhaus", "--agent", "Agent, 1 Market St")
    run("platforms", "locate", SHA, "Streamhaus", "https://streamhaus.example/1")
    contact = (
        *("--contact-name", "Bea Example", "--contact-address", "Example Street 1, Town"),
        *("--contact-phone", "+49 30 1", "--contact-email", "bea@example.org"),
    )
    notice = ("claims", "notice", claims["Bea"]["id"], "--by", "Bea", "--why", "not with my song", *contact)
    assert run(*notice, "--json").returncode == 2
    said = ("--signature", "/s/ Bea", "--good-faith", "--accurate", "--authorised-under-penalty-of-perjury")
    (issued,) = told(run, *notice, *said)["issued"]
    letter = " ".join((tmp_path / issued["folder"] / "notice.txt").read_text(encoding="utf-8").split())
    six = ("/s/ Bea", "Bluebird", "https://streamhaus.example/1", "+49 30 1", "good faith belief", "penalty of perjury")
    assert [element for element in six if element not in letter] == []

    # The uploader disputes B's claim: it is held. B looks again, and lets go.
    bea = claims["Bea"]["id"]
    told(run, "claims", "dispute", bea, "--by", "the uploader", "--why", "I have a licence")
    assert told(run, "claims", "show", bea)["money"] == "held"
    told(run, "claims", "withdraw", bea, "--by", "Bea", "--why", "so they have")
    history = told(run, "claims", "show", bea)
    assert (history["state"], history["money"], history["next"]) == ("withdrawn", "free", [])
    assert [(step["command"], step["by"], step["why"]) for step in history["history"]][2:] == [
        ("dispute", "the uploader", "I have a licence"),
        ("withdraw", history["party_id"], "so they have"),
    ]

    # Nothing that was said can be changed without showing.
    verified = told(run, "claims", "verify")
    assert (verified["problems"], verified["rows"]) == ([], 13)
    flip_one_byte(tmp_path / "linernotes" / "catalogue.sqlite3")
    broken = told(run, "claims", "verify", code=70)
    assert [problem["code"] for problem in broken["problems"]] == ["chain_changed"]


def flip_one_byte(path: Path) -> None:
    """Change a byte of the file on the disk, past every trigger: a reason that somebody gave."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = path.read_bytes()
    assert content.count(b"I have a licence") == 1
    path.write_bytes(content.replace(b"I have a licence", b"I have a licencf"))


def test_the_inbox_is_grouped_and_empty_says_so(run: Run, notes: Path) -> None:
    assert "Nothing is claimed here" in run("claims", "list").stdout
    assert "No rules stand" in run("policy", "list").stdout
    run("policy", "set", "Bea", "version", "block")
    done = run("claims", "propose", "--from", notes)
    assert (done.returncode, "3 new" in done.stdout) == (0, True)
    inbox = run("claims", "list").stdout
    assert inbox.index("Review 2") < inbox.index("  Ada") < inbox.index("  Cara") < inbox.index("Confirmed 1")
    lines = run("claims", "list", "--json").stdout.splitlines()
    assert {json.loads(line)["party"] for line in lines} == {"Ada", "Bea", "Cara"}
    assert run("claims", "propose", "--from", notes).stdout.splitlines()[0].endswith("0 new, 3 already")


def test_a_rule_set_later_decides_what_waits(run: Run, notes: Path) -> None:
    claims = {c["party"]: c["id"] for c in told(run, "claims", "propose", "--from", str(notes))["claims"]}
    # A rule alone leaves what waits; applied to it, it decides exactly the claims that it speaks of.
    told(run, "policy", "set", "Bea", "version", "block")
    assert told(run, "claims", "show", claims["Bea"])["state"] == "review"
    offer = ("policy", "set", "Cara", "voice", "share", "1/2", "--why", "my open offer", "--apply-to-waiting")
    rule = told(run, *offer)
    assert [(c["id"], c["state"], c["share"]) for c in rule["decided"]] == [(claims["Cara"], "confirmed", "1/2")]
    step = told(run, "claims", "show", claims["Cara"])["history"][-1]
    assert (step["command"], step["state"]) == ("decide", "confirmed")
    assert step["why"].startswith(f"my open offer: Cara's rule {rule['id']} (voice: share 1/2) decides")
    assert told(run, "claims", "show", claims["Cara"])["policy_id"] == rule["id"]
    # The rest meets the rules of today by command, and says why it goes on waiting.
    say = ("--by", "Kim, trust & safety", "--why", "rules were set since")
    done = told(run, "claims", "reconsider", *say)
    assert [(c["id"], c["action"]) for c in done["claims"]] == [(claims["Bea"], "block")]
    (waits,) = done["waiting"]
    assert (waits["id"], "no rule speaks of this use" in waits["why"]) == (claims["Ada"], True)
    assert told(run, "claims", "show", claims["Bea"])["history"][-1]["by"] == "Kim, trust & safety"
    again = run("claims", "reconsider", claims["Bea"], *say)
    assert "it is confirmed, not in review" in again.stdout
    assert "0 decided, 1 go on waiting" in again.stdout
    assert told(run, "claims", "verify")["problems"] == []


def test_answers_to_what_cannot_be_done(run: Run, notes: Path) -> None:
    (bea,) = (c for c in told(run, "claims", "propose", "--from", str(notes))["claims"] if c["party"] == "Bea")
    say = ("--why", "so")
    cases = (
        (("claims", "show", "clm_nope"), 3, "no claim 'clm_nope'"),
        (("claims", "decide", bea["id"], "--action", "block", "--by", "Ada", *say), 4, "is Bea's to decide"),
        (("claims", "decide", bea["id"], "--action", "share", "--share", "x", "--by", "Bea", *say), 2, "--share 'x'"),
        (("claims", "withdraw", bea["id"], "--by", "Bea", *say), 4, "withdraw cannot follow"),
        (("claims", "resolve", bea["id"], "--by", "me", *say), 4, "nothing to resolve"),
        (("claims", "release", bea["id"], "--by", "Bea", "--why", " "), 2, "say why"),
        (("claims", "propose", "--from", "nowhere.jsonl"), 2, "cannot be read"),
        (("claims", "propose", "--uploaded", "yesterday"), 2, "--uploaded 'yesterday'"),
        (("policy", "set", "Bea", "voice", "share"), 2, "a share goes with"),
        (("policy", "set", "Bea", "voice", "block", "--territory", "XQ"), 2, "XQ"),
        (("policy", "set", "Bea", "voice", "block", "--from", "1.1.2026"), 2, "--from '1.1.2026'"),
        (("policy", "end", "pol_nope", "--by", "Bea", *say), 3, "no policy 'pol_nope'"),
        (("claims", "list", "--party", "Nobody"), 3, "no party is called 'Nobody'"),
    )
    for arguments, code, words in cases:
        done = run(*arguments)
        assert (done.returncode, words in done.stderr, done.stdout) == (code, True, ""), (arguments, done)


def test_a_rule_has_conditions_and_an_end(run: Run, notes: Path) -> None:
    conditions = ("--longer-than", "7.5", "--probability", "0.9", "--territory", "DE", "--from", "2026-01-01")
    rule = told(run, "policy", "set", "Cara", "voice", "share", "50%", "--side", "composition", *conditions)
    assert (rule["share"], rule["match_length_min_s"], rule["probability_min"]) == ("1/2", "15/2", "9/10")
    again = told(run, "policy", "set", "Cara", "voice", "block", *conditions)
    assert again["ended"] == [rule["id"]]
    shown = run("policy", "list", "--party", "Cara").stdout
    assert "voice: block  in DE, from 15/2 s, at 9/10 or surer, since 2026-01-01" in shown
    assert run("policy", "end", again["id"], "--by", "Cara", "--why", "tired").returncode == 0
    assert "No rules stand" in run("policy", "list").stdout


def test_claims_stand_in_the_liner_notes(run: Run, tmp_path: Path, catalogued: dict[str, str]) -> None:
    traced = json.loads(run("trace", "anvil.wav", "--json").stdout)
    assert traced["claims"] == []
    (tmp_path / "own.jsonl").write_text(run("trace", "anvil.wav", "--json").stdout)
    assert run("claims", "propose", "--from", "own.jsonl").returncode == 0
    (claim,) = json.loads(run("trace", "anvil.wav", "--json").stdout)["claims"]
    assert (claim["party"], claim["right"], claim["state"]) == ("Ada", "master", "review")
    assert {"id", "party", "right", "action", "share", "state", "evidence"} <= set(claim)


def test_an_upload_from_before_the_registration_accuses_nobody_by_itself(run: Run, notes: Path) -> None:
    run("policy", "set", "Ada", "recording", "block")
    proposed = told(run, "claims", "propose", "--from", str(notes), "--uploaded", "2020-05-01")
    (ada,) = (claim for claim in proposed["claims"] if claim["party"] == "Ada")
    assert (ada["state"], ada["obstacles"]) == ("review", ["late_registration"])
    assert "registered after the upload" in run("claims", "list").stdout
    assert "claims resolve" in run("claims", "show", ada["id"]).stdout
    resolved = told(run, "claims", "resolve", ada["id"], "--by", "Kim, trust & safety", "--why", "on vinyl since 1987")
    assert (resolved["state"], resolved["action"]) == ("confirmed", "block")
    released = told(run, "claims", "release", ada["id"], "--by", "Ada", "--why", "let them")
    assert released["state"] == "released"


@pytest.mark.extras
def test_a_teams_database_serves_the_same_commands(
    run: Run, postgresql: Callable[[], str], fill_with_three: Callable[[str], None], tmp_path: Path
) -> None:
    url = postgresql()
    fill_with_three(url)
    content = {
        "query": {"path": "upload.mp3", "sha256": SHA},
        "evidence": [evidence("voice", "voi_cara", "Cara", 0.0, 60.0)],
    }
    (tmp_path / "notes.jsonl").write_text(json.dumps(content))
    team = {"env": {"LINERNOTES_DATABASE": url}}
    assert run("policy", "set", "Cara", "voice", "share", "1/2", **team).returncode == 0
    assert "1 new" in run("claims", "propose", "--from", "notes.jsonl", **team).stdout
    (claim,) = map(json.loads, run("claims", "list", "--json", **team).stdout.splitlines())
    assert (claim["state"], claim["share"]) == ("confirmed", "1/2")
    assert "3 rows, nothing was changed" in run("claims", "verify", **team).stdout
    assert not (tmp_path / "linernotes" / "catalogue.sqlite3").exists()
    nobody = {"env": {"LINERNOTES_DATABASE": url.replace("?host=", "?host=/nowhere")}}
    done = run("claims", "list", **nobody)
    assert (done.returncode, "does not answer" in done.stderr) == (5, True)
