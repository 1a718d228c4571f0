from pathlib import Path

import pytest

from linernotes.cli import models_screen
from linernotes.errors import ParameterError
from linernotes.journeys.generate import Generated, Output, Stopped, key_of, metre_of
from linernotes.journeys.outputs import isrc_after
from linernotes.journeys.releases import Withdrawn
from linernotes.learn.copying import Copied
from linernotes.learn.manifest import Given, Manifest, ManifestWork
from linernotes.learn.release import Audited
from linernotes.model import Problem
from linernotes.model.scores import Key, Metre, Mode

GIVEN = Given("pty_ada", "Ada", "rec_1", "1", "allow", None, "pol_1")
WORK = ManifestWork("rec_1", "USAT22600001", "Tune 1", "t.mid", "folk", "0" * 64, "1" * 64, 32, (GIVEN,))
MANIFEST = Manifest("mdl_1", "Hearth", "pty_ember", "2026-11-22", ("folk",), (WORK,))


def test_what_was_made_and_what_was_stopped_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    told_credits = {"owners": [{"party_id": "pty_ada", "party": "Ada", "ppm": 1_000_000}]}
    output = Output("Ember", {".mid": Path("Ember.mid")}, "rec_9", {"pty_ada": 1_000_000}, told_credits)
    stopped = Stopped("Ember", Copied(0, 25, [60, 62], ["rec_1"], 31.0), ["Tune 1"])
    mark = Withdrawn("rec_1", "Tune 1", "2026-11-22", "Ada says block")
    done = Generated([output], [stopped], [mark], [Problem("copied", "none was written", "Ember")])
    models_screen.print_generated(done)
    told = capsys.readouterr()
    assert "Ember.mid" in told.out
    assert "100.0000 %  Ada" in told.out
    assert "2 notes of Tune 1: 60 62" in told.err
    assert "consent withdrawn: Tune 1" in told.err
    assert "none was written" in told.err
    assert models_screen.from_generated(done)["stopped"][0]["passage"]["rarity_bits"] == 31.0


def test_a_release_and_its_audit_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    models_screen.print_manifest(MANIFEST, [], with_works=True)
    models_screen.print_audited(Audited(MANIFEST, "ab" * 32, ["weights.npz: not what was signed"]))
    told = capsys.readouterr().out
    assert "pol_1" in told
    assert "✗ weights.npz: not what was signed" in told


def test_keys_metres_and_codes_are_read() -> None:
    assert (key_of("D minor"), key_of("Bb"), key_of("f# dorian")) == (Key(2, Mode.MINOR), Key(10), Key(6, Mode.DORIAN))
    assert metre_of("6/8") == Metre(6, 8)
    assert isrc_after("US-EMB-26-00009", 3) == "USEMB2600012"
    for read, text in ((key_of, "H minor"), (key_of, "D blue"), (metre_of, "4/3")):
        with pytest.raises(ParameterError, match=text):
            read(text)
    with pytest.raises(ParameterError, match="no 2 more"):
        isrc_after("USEMB2699998", 2)
