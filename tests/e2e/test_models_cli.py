"""The whole circle on the command line: consent, training, pieces, credits, usage, statements, books that add up."""

import contextlib
import io
import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from linernotes.cli import main
from linernotes.formats.midi import write_midi
from linernotes.formats.scores import read_score
from linernotes.model.scores import Key, Metre, Mode, Note, Score
from tests.conftest import Run
from tests.model_samples import AT, RELEASE, WRITERS, catalogue_csv, fill, tune, write_set

pytest.importorskip("torch", reason="needs the extra 'models'")
pytestmark = pytest.mark.extras


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in an empty folder, and in this process: PyTorch takes seconds to load."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LINERNOTES_HOME", raising=False)

    def run_command(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        monkeypatch.setattr(sys, "argv", ["linernotes", *map(str, arguments)])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as left:
            main()
        return subprocess.CompletedProcess(arguments, int(left.value.code or 0), out.getvalue(), err.getvalue())

    return run_command


@pytest.fixture(scope="module")
def hearth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train one release that all may ask; returns its workspace, nothing is entered there."""
    from linernotes.journeys.train import train  # noqa: PLC0415 - needs PyTorch
    from linernotes.workspace import Workspace  # noqa: PLC0415 - beside it

    folder = tmp_path_factory.mktemp("hearth")
    with Workspace(folder / "w", writable=True) as workspace:
        train(workspace, fill(workspace, folder), release=RELEASE, at=AT, size="tiny", n_epochs=2)
    return folder / "w"


# ── the circle ───────────────────────────────────────────────────────────────


def test_from_consent_to_a_statement(run: Run, tmp_path: Path) -> None:
    here = ("--workspace", tmp_path / "w")
    (tmp_path / "catalogue.csv").write_text(catalogue_csv(9, releases=(RELEASE, "Hearth 1.1")), encoding="utf-8")
    assert run("catalogue", "import", "catalogue.csv", *here).returncode == 0
    write_set(tmp_path, 9)
    learn = ("model", "train", "set.csv", "--size", "tiny", "--epochs", "2", "--json", *here)

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


# ── ideas, structure and parts ───────────────────────────────────────────────


def piece(path: Path, score: Score) -> Path:
    path.write_bytes(write_midi(score))
    return path


def made(run: Run, hearth: Path, *options: str | Path) -> tuple[Score, dict[str, Any]]:
    """Make a piece that is not entered; returns it as its MIDI file says, and its credits."""
    quick = ("--tempo", "400", "--no-register")  # so that little is played
    done = run("model", "generate", RELEASE, "--out", "out", *quick, "--json", "--workspace", hearth, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    (output,) = json.loads(done.stdout)["outputs"]
    assert output["recording_id"] is None
    return read_score(next(Path(name) for name in output["files"] if name.endswith(".mid"))), output["credits"]


def bars_of(score: Score, first: int, stop: int) -> list[tuple[int, int]]:
    bar = Metre().bar_ticks
    return [(n.start_ticks, n.pitch) for n in score.notes if n.part == 0 and first * bar <= n.start_ticks < stop * bar]


@pytest.mark.parametrize("form", ["file", "title"])
def test_the_form_of_a_song_is_taken_not_its_notes(run: Run, hearth: Path, tmp_path: Path, form: str) -> None:
    like = tune(4) if form == "title" else Score("Mine", tune(4).notes, Key(2, Mode.MINOR), Metre(), tune(4).chords)
    named = "tune 4" if form == "title" else piece(tmp_path / "mine.mid", like)
    score, told = made(run, hearth, "--like", named, "--seed", "3")
    assert -(-score.stop_ticks // Metre().bar_ticks) == 8  # not the sixteen bars that are made where nobody is named
    assert score.metre == Metre()
    assert told["key"] == str(like.key) if form == "file" else told["key"].startswith("C ")  # tokens know no tonic
    assert bars_of(score, 0, 8) != bars_of(like, 0, 8)
    assert [section["start_ticks"] for section in told["sections"]][:1] == [0]


def test_a_score_is_gone_on_from(run: Run, hearth: Path, tmp_path: Path) -> None:
    given = piece(tmp_path / "given.mid", tune(35))
    score, told = made(run, hearth, "--continue", given, "--bars", "3", "--title", "More")
    assert bars_of(score, 0, 8) == bars_of(tune(35), 0, 8)
    assert bars_of(score, 8, 11)
    assert score.stop_ticks <= 11 * Metre().bar_ticks
    assert told["title"] == "More"


def test_bars_are_written_anew_and_the_others_stay(run: Run, hearth: Path, tmp_path: Path) -> None:
    given = piece(tmp_path / "given.mid", tune(35))
    score, _ = made(run, hearth, "--continue", given, "--infill", "3-4")
    assert bars_of(score, 0, 2) == bars_of(tune(35), 0, 2)
    assert bars_of(score, 4, 8) == bars_of(tune(35), 4, 8)
    assert bars_of(score, 2, 4) != bars_of(tune(35), 2, 4)


def test_going_on_from_a_work_that_was_learned_from_is_a_copy_and_stopped(
    run: Run, hearth: Path, tmp_path: Path
) -> None:
    given = piece(tmp_path / "given.mid", tune(5))
    asked = ("model", "generate", RELEASE, "--out", "out", "--continue", given, "--bars", "1", "--workspace", hearth)
    done = run(*asked)
    assert (done.returncode, "notes of Tune 5" in done.stderr) == (2, True)
    assert not list((tmp_path / "out").glob("*"))


def test_drums_go_the_whole_way(run: Run, hearth: Path, tmp_path: Path) -> None:
    beat = [Note(480 * step, 120, (36, 42, 38, 42)[step % 4]) for step in range(32)]
    plain = tune(35)
    given = piece(tmp_path / "given.mid", Score("Beat", plain.notes, plain.key, plain.metre, plain.chords, drums=beat))
    score, _ = made(run, hearth, "--continue", given, "--bars", "1", "--title", "Beat")
    assert [note.pitch for note in score.drums][:32] == [note.pitch for note in beat]
    assert "<sign>percussion</sign>" in (tmp_path / "out" / "Beat.musicxml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--infill", "3-4"), "--infill needs --continue"),
        (("--continue", "given.mid", "--infill", "x"), "bars such as 5-8"),
        (("--continue", "given.mid", "--infill", "7-12"), "has bars 1 to 8"),
        (("--continue", "given.mid", "--like", "Tune 1"), "leave out --like"),
        (("--continue", "nowhere.mid"), "nowhere.mid"),
        (("--like", "Nobody's song"), "neither a score file nor a work"),
        (("--key", "H minor"), "key 'H minor'"),
        (("--style", "polka"), "style:polka"),
        (("--band", "polka"), "no band 'polka'"),
        (("--isrc", "US1"), "US1"),
        (("--informativeness", "2"), "parts from 0 to 1"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(
    run: Run, hearth: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    piece(tmp_path / "given.mid", tune(5))
    done = run("model", "generate", RELEASE, "--out", "out", "--bars", "2", "--workspace", hearth, *options)
    assert (done.returncode, said in done.stderr) == (3 if options[0] == "--like" else 2, True), done.stderr
    assert not list((tmp_path / "out").glob("*"))


# ── bad input ────────────────────────────────────────────────────────────────


def owned(run: Run, owners: list[str], rows: list[str]) -> None:
    """Enter works "Tune n" of these owners, with their consent, and write a training set of these files."""
    lines = ["title,artist,isrc,writers,label,model_release,model_party", f",,,,,{RELEASE},Ember Audio"]
    lines += [f"Tune {n},{o},USAT226{n:05d},{o} 1/1,{o} 100%,," for n, o in enumerate(owners)]
    Path("catalogue.csv").write_text("\n".join(lines), encoding="utf-8")
    table = ["file,recording,style", *(f"{file},USAT226{n:05d},folk" for n, file in enumerate(rows))]
    Path("set.csv").write_text("\n".join(table), encoding="utf-8")
    assert run("catalogue", "import", "catalogue.csv").returncode == 0
    for owner in dict.fromkeys(owners):
        assert run("policy", "set", owner, "training", "allow").returncode == 0


def learned(run: Run) -> tuple[int, dict[str, Any]]:
    done = run("model", "train", "set.csv", "--release", RELEASE, "--size", "tiny", "--epochs", "1", "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def owed(run: Run, *options: str) -> dict[str, int]:
    """Make a piece; returns what its credits owe, in millionths by name."""
    quick = ("--bars", "4", "--tempo", "400", "--no-register")
    done = run("model", "generate", RELEASE, "--out", "out", *quick, "--json", *options)
    assert done.returncode == 0, done.stderr
    owners = json.loads(done.stdout)["outputs"][0]["credits"]["owners"]
    assert sum(owner["ppm"] for owner in owners) == 1_000_000
    return {owner["party"]: owner["ppm"] for owner in owners}


def test_one_work_is_no_training_set(run: Run, tmp_path: Path) -> None:
    piece(tmp_path / "a.mid", tune(0))
    owned(run, ["Ada"], ["a.mid"])
    done = run("model", "train", "set.csv", "--release", RELEASE, "--size", "tiny")
    assert (done.returncode, "a model of one work would only copy it" in done.stderr) == (2, True)
    assert run("model", "generate", RELEASE, "--out", "out").returncode != 0


def test_damaged_files_and_copies_under_other_owners_earn_nothing(run: Run, tmp_path: Path) -> None:
    for number in range(3):
        piece(tmp_path / f"{number}.mid", tune(number))
    stolen = [Note(note.start_ticks, note.duration_ticks, note.pitch + 2) for note in tune(0).notes]
    piece(tmp_path / "stolen.mid", Score("Stolen", stolen))
    (tmp_path / "damaged.mid").write_bytes((tmp_path / "1.mid").read_bytes()[:70])
    owned(run, ["Ada", "Bea", "Cleo", "Thief", "Dan"], ["0.mid", "1.mid", "2.mid", "stolen.mid", "damaged.mid"])
    code, told = learned(run)
    assert (code, told["works"]) == (2, 3)
    assert sorted(problem["code"] for problem in told["problems"]) == ["duplicate", "midi"]
    assert "two owners say it is theirs" in json.dumps(told["problems"])
    assert set(owed(run, "--informativeness", "1/2")) == {"Ada", "Bea", "Cleo"}  # the pool pays the tune once


def test_shells_gain_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ada's tunes as they are; then each of another owner; then one of them cut in two, too."""
    shares, flat = [], []
    for name, owners, cut in (
        ("whole", ["Ada", "Ada", "Bea", "Cleo"], False),
        ("shells", ["Ada", "Shell 1", "Bea", "Cleo"], False),
        ("cut", ["Ada", "Shell 1", "Bea", "Cleo", "Shell 2"], True),
    ):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        for number in range(4):
            piece(folder / f"{number}.mid", tune(number))
        files = [f"{number}.mid" for number in range(4)]
        if cut:
            notes, half = tune(1).notes, 480 * 16
            piece(folder / "1.mid", Score("Tune 1", notes[:16], tune(1).key, Metre()))
            rest = [Note(note.start_ticks - half, note.duration_ticks, note.pitch) for note in notes[16:]]
            files.append(piece(folder / "4.mid", Score("Tune 1, its end", rest, tune(1).key, Metre())).name)
        owned(run, owners, files)
        assert learned(run)[1]["works"] == len(files)
        asked = run("model", "attribute", RELEASE, piece(folder / "asked.mid", tune(1)), "--json")
        told = json.loads(asked.stdout)["catalogues"]
        of_ada = {"Ada", "Shell 1", "Shell 2"}
        shares.append(sum(each["share_ppm"] for each in told if each["party"] in of_ada))
        flat.append(sum(ppm for party, ppm in owed(run, "--informativeness", "0").items() if party in of_ada))
    assert flat == [500_000] * 3
    assert abs(shares[1] - shares[0]) <= 1  # one millionth is how far largest remainders go
    assert shares[2] <= shares[0] + 1


def test_a_foreign_file_is_answered_with_a_doubt(run: Run, hearth: Path, tmp_path: Path) -> None:
    told = run("model", "attribute", RELEASE, piece(tmp_path / "theirs.mid", tune(77)), "--workspace", hearth)
    assert (told.returncode, "not that it was made with them" in told.stdout) == (0, True)
    (tmp_path / "noise.mid").write_bytes(b"MThd\0\0\0\6 not music")
    refused = run("model", "attribute", RELEASE, "noise.mid", "--workspace", hearth)
    assert (refused.returncode, "noise.mid" in refused.stderr) == (2, True)
