import hashlib
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from linernotes import audio
from linernotes.audio import flac, riff
from linernotes.errors import ConflictError, ParameterError

SLEEVE = audio.Sleeve(
    tags=(("TITLE", "Tïtle"), ("ARTIST", "A & B"), ("ISRC", "USS1Z9900001"), ("MOOD", "calm")),
    pictures=(audio.Picture("image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8),),
    cues=(audio.Cue(1000, "in"), audio.Cue(6000, "drop é")),
)


def noise(n: int, channels: int, bits: int) -> NDArray[np.float32]:
    samples = np.random.default_rng(n).uniform(-0.9, 0.9, (n, channels)).astype(np.float32)
    steps = 2.0 ** (bits - 1)
    return samples if bits == 32 else (np.rint(samples * steps) / steps).astype(np.float32)


def written(path: Path, samples: NDArray[np.float32], bits: int, sleeve: audio.Sleeve | None = None) -> Path:
    rate_hz = 192_000 if bits == 24 else 8000
    with audio.Writer(path, sample_rate_hz=rate_hz, channels=samples.shape[1], bits=bits, sleeve=sleeve) as writer:
        for start in range(0, len(samples), 777):
            writer.write(samples[start : start + 777])
    return path


@pytest.mark.parametrize(("suffix", "bits"), [("wav", 16), ("wav", 24), ("wav", 32), ("flac", 16), ("flac", 24)])
@pytest.mark.parametrize("channels", [1, 2])
def test_samples_and_what_is_around_them_survive_exactly(tmp_path: Path, suffix: str, bits: int, channels: int) -> None:
    samples = noise(10_001, channels, bits)
    file = written(tmp_path / f"a.{suffix}", samples, bits, SLEEVE)
    heard, info = audio.read(file)
    assert np.array_equal(heard, samples)
    assert np.array_equal(soundfile.read(file, dtype="float32", always_2d=True)[0], samples)  # by others too
    assert (info.bits, info.channels) == (bits, channels)
    found = audio.read_sleeve(file)
    assert {*SLEEVE.tags} <= {*found.tags}
    assert [picture.data for picture in found.pictures] == [SLEEVE.pictures[0].data]
    assert found.cues == SLEEVE.cues


@pytest.mark.parametrize(("first", "second"), [("wav", "wav"), ("flac", "flac"), ("wav", "flac"), ("flac", "wav")])
def test_a_sleeve_goes_from_file_to_file(tmp_path: Path, first: str, second: str) -> None:
    samples = noise(8000, 2, 16)
    one = audio.read_sleeve(written(tmp_path / f"one.{first}", samples, 16, SLEEVE))
    two = audio.read_sleeve(written(tmp_path / f"two.{second}", samples, 16, one))
    named = {"TITLE", "ARTIST", "ISRC", "MOOD"}
    assert {tag for tag in two.tags if tag[0] in named} == set(SLEEVE.tags)
    assert ([picture.data for picture in two.pictures], two.cues) == ([SLEEVE.pictures[0].data], SLEEVE.cues)


def test_the_sum_of_flac_is_that_of_its_samples(tmp_path: Path) -> None:
    samples = noise(5000, 2, 16)
    data = written(tmp_path / "a.flac", samples, 16).read_bytes()
    assert data[8 + 18 : 8 + 34] == hashlib.md5((samples * 32768).astype("<i2").tobytes()).digest()


def test_what_is_whole_is_written_as_it_is_and_what_is_too_loud_is_clipped(tmp_path: Path) -> None:
    with audio.Writer(tmp_path / "a.wav", sample_rate_hz=8000, channels=1, bits=16) as writer:
        writer.write(np.array([[-32768], [7], [32767]], np.int32))
        writer.write(np.array([[2.0], [-2.0]], np.float32))
    heard, _ = audio.read(tmp_path / "a.wav")
    assert (heard[:, 0] * 32768).tolist() == [-32768, 7, 32767, 32767, -32768]


def test_an_error_leaves_nothing_and_the_old_file_stands(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    file.write_bytes(b"old")
    with (
        pytest.raises(ZeroDivisionError),
        audio.Writer(file, sample_rate_hz=8000, channels=1) as writer,
    ):
        writer.write(noise(100, 1, 16))
        raise ZeroDivisionError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.wav", b"old")]


def test_two_do_not_write_one_file(tmp_path: Path) -> None:
    with audio.Writer(tmp_path / "a.wav", sample_rate_hz=8000, channels=1) as writer:
        writer.write(noise(100, 1, 16))
        with pytest.raises(ConflictError, match="another process"):
            audio.Writer(tmp_path / "a.wav", sample_rate_hz=8000, channels=1)
    assert (tmp_path / "a.wav").exists()


def test_a_killed_writer_leaves_no_half_file_and_the_next_one_goes_on(tmp_path: Path) -> None:
    code = (
        "import os, numpy as np; from pathlib import Path; from linernotes import audio\n"
        "writer = audio.Writer(Path('a.wav'), sample_rate_hz=8000, channels=1)\n"
        "writer.write(np.zeros((800000, 1), np.float32)); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False)
    assert killed.returncode == -9
    assert not (tmp_path / "a.wav").exists()
    written(tmp_path / "a.wav", noise(100, 1, 16), 16)
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(("suffix", "bits"), [("flac", 32), ("wav", 20), ("xyz", 16)])
def test_what_a_format_cannot_hold_is_refused(tmp_path: Path, suffix: str, bits: int) -> None:
    with pytest.raises(ParameterError):
        audio.Writer(tmp_path / f"a.{suffix}", sample_rate_hz=8000, channels=1, bits=bits)
    assert list(tmp_path.iterdir()) == []


def test_a_long_file_becomes_rf64() -> None:
    data_bytes = 5 << 30
    fixed = dict(riff.sizes(head_bytes=80, data_bytes=data_bytes, file_bytes=data_bytes + 80, n_samples=1, bits=16))
    assert fixed[0] == b"RF64\xff\xff\xff\xff"
    assert struct.unpack("<4sIQQ", fixed[12][:24]) == (b"ds64", 28, data_bytes + 72, data_bytes)


def test_the_loudness_of_the_old_sound_is_not_told_of_the_new_one(tmp_path: Path) -> None:
    bext = bytearray(602)
    bext[412:422] = struct.pack("<5h", -2300, 500, -100, -2000, -2100)
    old = audio.Sleeve(container="wav", verbatim=((b"bext", bytes(bext)), (b"iXML", b"<x/>")))
    found = audio.read_sleeve(written(tmp_path / "a.wav", noise(100, 1, 16), 16, old))
    chunks = dict(found.verbatim)
    assert struct.unpack("<5h", chunks[b"bext"][412:422]) == (0x7FFF,) * 5
    assert chunks[b"iXML"] == b"<x/>"
    tags = audio.Sleeve(tags=(("REPLAYGAIN_TRACK_GAIN", "-3 dB"), ("TITLE", "x")))
    found = audio.read_sleeve(written(tmp_path / "a.flac", noise(100, 1, 16), 16, tags))
    assert found.tags == (("TITLE", "x"),)


@pytest.mark.parametrize("cut", [5, 13, 40, 60, 200, 500])
def test_a_header_cut_anywhere_is_read_as_far_as_it_goes(tmp_path: Path, cut: int) -> None:
    for suffix, parser in (("wav", riff.read_chunks), ("flac", flac.read_blocks)):
        whole = written(tmp_path / f"a.{suffix}", noise(100, 1, 16), 16, SLEEVE).read_bytes()
        (tmp_path / "cut").write_bytes(whole[:cut])
        parser(tmp_path / "cut")
