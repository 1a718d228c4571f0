"""Mastering as a person does it: files in, masters out, one problem for what is broken."""

import json
import shutil
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from linernotes import audio
from linernotes.cli import app
from linernotes.errors import ParameterError
from linernotes.journeys.master import Order, master_many
from linernotes.journeys.master_preset import preset_asked, profile_asked
from linernotes.model import Master
from linernotes.render.mastering import coding, measure

Run = Callable[..., subprocess.CompletedProcess[str]]

RATE_HZ = 44_100


def song(seed: int, *, duration_s: float = 4.0, level_db: float = -20.0, channels: int = 2) -> NDArray[np.float32]:
    """Pulses over chords over noise: something with an attack, a tone and a width."""
    rng = np.random.default_rng(seed)
    at_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * 110 * 2 ** (n / 12) * at_s) for n in (0, 4 + seed % 3, 7, 16))
    beat = rng.standard_normal(len(at_s)) * np.exp(-18 * (at_s % 0.5))
    wide = rng.standard_normal((len(at_s), channels)) * 0.1
    whole = (0.2 * chord + beat)[:, np.newaxis] + wide
    scaled: NDArray[np.float64] = whole * 10 ** (level_db / 20) / np.sqrt(np.mean(whole**2))
    return np.clip(scaled, -1, 1).astype(np.float32)


def file_of(path: Path, samples: NDArray[np.float32], *, bits: int = 16, sleeve: audio.Sleeve | None = None) -> Path:
    with audio.Writer(path, sample_rate_hz=RATE_HZ, channels=samples.shape[1], bits=bits, sleeve=sleeve) as writer:
        writer.write(samples)
    return path


def loudness(path: Path | str) -> tuple[float, float]:
    with audio.decode(path) as sound:
        meters = measure(sound, sample_rate_hz=sound.info.sample_rate_hz)
    return meters.integrated_lufs, meters.true_peak_dbtp


def codes(masters: list[Master]) -> list[str]:
    return [problem.code for master in masters for problem in master.problems]


def test_a_song_is_mastered_to_its_loudness_with_what_is_around_it(tmp_path: Path, run: Run) -> None:
    around = audio.Sleeve(
        tags=(("TITLE", "Lanterns"),), pictures=(audio.Picture("image/png", bytes(99)),), cues=(audio.Cue(500, "a"),)
    )
    file_of(tmp_path / "in.flac", song(1), bits=24, sleeve=around)
    done = run(
        "master", "in.flac", "--out", "out", "--loudness", "-16", "--peak", "-1.5", "--report", "r.html", "--json"
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    level_lufs, peak_dbtp = loudness(tmp_path / told["out_path"])
    assert level_lufs == pytest.approx(-16, abs=0.1)
    assert peak_dbtp <= -1.5
    assert told["result"]["after"]["integrated_lufs"] == pytest.approx(level_lufs, abs=0.05)
    assert {check["target"] for check in told["delivery"]} >= {"Spotify", "EBU R 128 broadcast"}
    found = audio.read_sleeve(tmp_path / "out/in.flac")
    assert (found.tags[0], found.cues, len(found.pictures)) == (("TITLE", "Lanterns"), around.cues, 1)
    assert audio.read(tmp_path / "out/in.flac")[1].bits == 24
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "in.flac" in page
    assert page.count("data:audio/mpeg") == 2


@pytest.mark.parametrize(("suffix", "bits"), [("wav", 16), ("wav", 32), ("flac", 24)])
def test_all_amounts_at_nothing_give_the_input_back(tmp_path: Path, suffix: str, bits: int) -> None:
    file = file_of(tmp_path / f"in.{suffix}", song(2, level_db=-8), bits=bits)
    preset = preset_asked(None, amounts=["all=0"])
    (made,) = master_many([file], Order(tmp_path / "out", preset))
    assert made.out_path is not None
    assert np.array_equal(audio.read(file)[0], audio.read(made.out_path)[0])


def test_nine_of_ten_songs_are_mastered_and_the_tenth_is_one_clear_problem(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    for n in range(9):
        file_of(folder / f"{n}.wav", song(n, duration_s=1.5))
    (folder / "broken.wav").write_bytes(b"RIFF\x24\x00\x00\x00WAVEjunk")
    done = run("master", "songs", "--out", "out", "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 2
    assert len(list((tmp_path / "out").glob("*.wav"))) == 9
    problems = [problem for each in told for problem in each["problems"]]
    assert [(problem["code"], Path(problem["where"]).name) for problem in problems] == [("unreadable", "broken.wav")]


def test_an_album_keeps_its_songs_beside_each_other(tmp_path: Path) -> None:
    levels = {"a": -18.0, "b": -24.0, "c": -21.5}
    files = [
        file_of(tmp_path / f"{name}.wav", song(n, level_db=level)) for n, (name, level) in enumerate(levels.items())
    ]
    order = Order(tmp_path / "out", preset_asked(None, loudness_lufs=-16.0, album=True), album=True)
    masters = list(master_many(files, order))
    before = [master.before.integrated_lufs for master in masters if master.before]
    after = [loudness(master.out_path or "")[0] for master in masters]
    assert max(after) == pytest.approx(-16, abs=0.1)
    assert [x - max(after) for x in after] == pytest.approx([x - max(before) for x in before], abs=0.1)
    again = list(master_many(files, order))
    assert [master.kept for master in again] == [True] * 3


def test_an_album_whose_loudest_song_cannot_reach_its_place_stands_lower_as_a_whole(tmp_path: Path) -> None:
    files = [file_of(tmp_path / f"{n}.wav", song(n, level_db=level)) for n, level in enumerate((-18.0, -22.0))]
    order = Order(tmp_path / "out", preset_asked(None, loudness_lufs=-3.0, album=True), album=True)
    masters = list(master_many(files, order))
    before = [master.before.integrated_lufs for master in masters if master.before]
    after = [loudness(master.out_path or "")[0] for master in masters]
    assert masters[0].album_offset_lu > 1
    assert after[0] - after[1] == pytest.approx(before[0] - before[1], abs=0.15)


def test_the_same_command_does_only_the_rest(tmp_path: Path) -> None:
    files = [file_of(tmp_path / f"{n}.wav", song(n, duration_s=1.5)) for n in range(2)]
    order = Order(tmp_path / "out", preset_asked(None))
    first = list(master_many(files, order))
    Path(first[1].out_path or "").unlink()
    second = list(master_many(files, order))
    assert [master.kept for master in second] == [True, False]
    assert second[1].out_sha256 == first[1].out_sha256  # bit for bit the same
    louder = Order(tmp_path / "out", preset_asked(None, loudness_lufs=-18.0))
    assert [master.kept for master in master_many(files, louder)] == [False, False]


def test_what_is_there_and_not_ours_is_left_alone(tmp_path: Path) -> None:
    file = file_of(tmp_path / "in.wav", song(1, duration_s=1.0))
    before = file.read_bytes()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/in.wav").write_bytes(b"mine")
    for folder in (tmp_path / "out", tmp_path):
        assert CliRunner().invoke(app, ["master", str(file), "--out", str(folder)]).exit_code == 4
    assert (tmp_path / "out/in.wav").read_bytes() == b"mine"
    assert file.read_bytes() == before


def test_names_that_collide_are_numbered(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        file_of(tmp_path / folder / "in.wav", song(1, duration_s=1.0))
    masters = list(master_many([tmp_path / "x", tmp_path / "y"], Order(tmp_path / "out", preset_asked(None))))
    assert [Path(master.out_path or "").name for master in masters] == ["in.wav", "in-2.wav"]


def test_a_master_is_tried_again_where_another_encoder_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file_of(tmp_path / "in.wav", song(1, duration_s=1.0))
    coded, plain = Order(tmp_path / "coded", codecs=("mp3_320",)), Order(tmp_path / "plain")
    for found, kept in (("ffmpeg 5", (False, False)), ("ffmpeg 5", (True, True)), ("ffmpeg 7", (False, True))):
        monkeypatch.setattr(coding, "program_version", lambda found=found: found)
        made = [next(iter(master_many([tmp_path / "in.wav"], order))) for order in (coded, plain)]
        assert tuple(master.kept for master in made) == kept


def test_settings_are_kept_in_files(tmp_path: Path) -> None:
    reference = file_of(tmp_path / "ref.wav", song(5, level_db=-14))
    file = file_of(tmp_path / "in.wav", song(6))
    asked = [
        "--reference",
        reference,
        "--save-profile",
        tmp_path / "warm.json",
        "--save-preset",
        tmp_path / "mine.json",
    ]
    assert CliRunner().invoke(app, ["master", *map(str, asked)]).exit_code == 0
    for arguments in (["--reference", "warm.json"], ["--preset", "mine.json"], ["--reference", "ref.wav"]):
        given = [arguments[0], str(tmp_path / arguments[1])]
        done = CliRunner().invoke(app, ["master", str(file), "--dry-run", "--json", *given])
        told = json.loads(done.stdout)
        assert told["out_path"] is None
        assert told["plan"]["loudness_lufs"] == pytest.approx(loudness(reference)[0], abs=0.05)
        assert any(told["plan"]["tone_mid_db"])
    two = profile_asked([reference, file])
    assert two is not None
    assert two.n_sources == 2


def test_the_ceiling_holds_after_a_codec(tmp_path: Path) -> None:
    file = file_of(tmp_path / "in.wav", song(7, level_db=-10, duration_s=3.0))
    order = Order(tmp_path / "out", preset_asked(None, loudness_lufs=-9.0), codecs=("mp3_128",))
    (made,) = master_many([file], order)
    assert [peak.codec for peak in made.coded] == ["mp3_128"]
    assert made.coded[0].true_peak_dbtp <= -1
    samples, _ = audio.read(made.out_path or "")
    audio.write(tmp_path / "coded.mp3", samples, sample_rate_hz=RATE_HZ)
    assert loudness(tmp_path / "coded.mp3")[1] <= -1


def bad_inputs(folder: Path) -> dict[str, str]:
    """Write what nobody should master; gives the code of the problem each must be."""
    file_of(folder / "silence.wav", np.zeros((RATE_HZ, 2), np.float32))
    file_of(folder / "short.wav", song(1, duration_s=0.3))
    file_of(folder / "nan.wav", np.full((RATE_HZ, 2), np.nan, np.float32), bits=32)
    with wave.open(str(folder / "surround.wav"), "wb") as out:
        out.setnchannels(8)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(bytes(16 * RATE_HZ))
    whole = file_of(folder / "cut.wav", song(2)).read_bytes()
    (folder / "cut.wav").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.wav").write_bytes(b"")
    return {
        "silence.wav": "silent",
        "short.wav": "too_short",
        "nan.wav": "not_finite",
        "surround.wav": "channels",
        "cut.wav": "truncated",
        "empty.wav": "empty",
        "gone.wav": "not_found",
    }


def test_bad_input_is_one_problem_each_and_writes_nothing(tmp_path: Path) -> None:
    expected = bad_inputs(tmp_path)
    masters = list(master_many([tmp_path / name for name in expected], Order(tmp_path / "out", preset_asked(None))))
    assert {Path(master.path).name: codes([master]) for master in masters} == {k: [v] for k, v in expected.items()}
    assert not list((tmp_path / "out").glob("*.wav")) if (tmp_path / "out").exists() else True


def odd_inputs() -> dict[str, NDArray[np.float32]]:
    at = np.arange(2 * RATE_HZ)
    square = np.where((at // 50) % 2, 1.0, -1.0).astype(np.float32)[:, np.newaxis].repeat(2, axis=1)
    one_dead = song(3, duration_s=2.0)
    one_dead[:, 1] = 0
    inverted = song(4, duration_s=2.0)
    inverted[:, 1] = -inverted[:, 0]
    return {
        "square": square,
        "dc": song(5, duration_s=2.0) + np.float32(0.2),
        "dead": one_dead,
        "inverted": inverted,
        "clipped": (song(6, duration_s=2.0, level_db=-3) * 3).clip(-1, 1),
        "mono": song(7, duration_s=2.0, channels=1),
    }


def test_odd_input_is_mastered_under_its_ceiling(tmp_path: Path) -> None:
    files = [file_of(tmp_path / f"{name}.wav", samples) for name, samples in odd_inputs().items()]
    masters = list(master_many(files, Order(tmp_path / "out", preset_asked(None))))
    assert codes(masters) == []
    for master in masters:
        samples, info = audio.read(master.out_path or "")
        assert np.isfinite(samples).all()
        assert info.channels == (1 if "mono" in master.path else 2)
        assert loudness(master.out_path or "")[1] <= -1
        assert master.result is not None
        assert master.result.after.integrated_lufs <= -13.9  # a fault does not make it louder than asked
    told = {Path(master.path).stem: " ".join(note.message for note in master.notes) for master in masters}
    assert all(told[name] for name in ("dc", "dead", "inverted", "clipped"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["in.wav"], "--out"),
        (["--out", "out"], "nothing to master"),
        (["in.wav", "--out", "out", "--loudness", "3"], "--loudness 3"),
        (["in.wav", "--out", "out", "--peak", "1"], "--peak 1"),
        (["in.wav", "--out", "out", "--amount", "bass=3"], "bass"),
        (["in.wav", "--out", "out", "--codecs", "mp3_96"], "mp3_96"),
        (["in.wav", "--out", "out", "--bits", "20"], "--bits 20"),
        (["in.wav", "--out", "out", "--format", "ogg"], "wav or flac"),
        (["in.wav", "--save-profile", "x.json", "--dry-run"], "--reference"),
    ],
)
def test_impossible_wishes_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    done = CliRunner().invoke(app, ["master", *arguments])
    assert isinstance(done.exception, ParameterError)
    assert says in str(done.exception)


def test_a_killed_run_leaves_no_half_master(tmp_path: Path) -> None:
    file = file_of(tmp_path / "in.wav", song(8, duration_s=1.0))
    order = Order(tmp_path / "out", preset_asked(None))
    list(master_many([file], order))
    # As a kill between the record and the master leaves it: a record that says nothing, a hidden part of a file.
    (tmp_path / "out/.linernotes/in.json").write_text("{}", encoding="utf-8")
    shutil.move(tmp_path / "out/in.wav", tmp_path / "out/.in.wav.partial")
    (made,) = master_many([file], order)
    assert not made.kept
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".linernotes", "in.wav"]
