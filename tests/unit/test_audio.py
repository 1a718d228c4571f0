import io
import os
import struct
import subprocess
import sys
import threading
import wave
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from linernotes import audio
from linernotes.audio import decoding
from linernotes.errors import DecodeError, NotFoundError, ParameterError

RATE_HZ = 44_100


def tone(duration_s: float, *, hz: float = 440.0, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(duration_s * rate_hz)) / rate_hz)).astype(np.float32)


def loudest_hz(samples: NDArray[np.float32], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate_hz / len(samples))


def level(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def mux(path: Path, samples: NDArray[np.float32], *, codec: str, container: str, rate_hz: int = 48_000) -> None:
    """Write what the package itself cannot: AIFF, Vorbis, sound beside a video stream."""
    with av.open(str(path), "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate_hz, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        stereo = np.repeat(samples[:, None], 2, axis=1)
        sample_format = stream.codec_context.format.name
        resampler = av.AudioResampler(format=sample_format, layout="stereo", rate=rate_hz)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(stereo.reshape(1, -1)), "flt", "stereo")
        frame.sample_rate = rate_hz
        for shaped in resampler.resample(frame) + resampler.resample(None):
            for piece in _pieces(shaped, stream.codec_context.frame_size):
                out.mux(stream.encode(piece))
        out.mux(stream.encode(None))


def _pieces(frame: av.AudioFrame, size: int) -> list[av.AudioFrame]:
    if not size:
        return [frame]
    fifo = av.AudioFifo()
    frame.pts = None
    fifo.write(frame)
    return list(fifo.read_many(size)) + [rest for rest in [fifo.read()] if rest]


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "m4a", "opus"])
def test_what_is_encoded_is_decoded(tmp_path: Path, suffix: str) -> None:
    rate_hz = 48_000
    samples = tone(2.0, rate_hz=rate_hz)
    file = tmp_path / f"tone.{suffix}"
    audio.write(file, samples, sample_rate_hz=rate_hz)
    heard, info = audio.read(file)
    assert (info.sample_rate_hz, info.channels, heard.shape[1]) == (rate_hz, 1, 1)
    assert len(heard) == pytest.approx(len(samples), abs=2500)  # codecs pad to whole frames
    assert loudest_hz(heard[:rate_hz, 0], rate_hz) == pytest.approx(440, abs=1)
    assert level(heard) == pytest.approx(0.5 / 2**0.5, rel=0.05)


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("tone.aiff", "pcm_s16be", "aiff"),
        ("tone.mka", "pcm_s16le", "matroska"),
        ("tone.webm", "libopus", "webm"),
        ("tone.mp4", "aac", "mp4"),
        ("tone.mov", "pcm_s24le", "mov"),
        ("float64.wav", "pcm_f64le", "wav"),
        ("eight-bit.wav", "pcm_u8", "wav"),
    ],
)
def test_other_containers_and_sample_formats(tmp_path: Path, name: str, codec: str, container: str) -> None:
    mux(tmp_path / name, tone(1.0, rate_hz=48_000), codec=codec, container=container)
    heard, info = audio.read(tmp_path / name, sample_rate_hz=16_000, channels=1)
    assert info.channels == 2
    assert len(heard) == pytest.approx(16_000, abs=700)
    assert loudest_hz(heard[:8000, 0], 16_000) == pytest.approx(440, abs=2)
    assert level(heard) == pytest.approx(0.5 / 2**0.5, rel=0.05)


def test_the_sound_of_a_video_is_found_behind_its_picture(tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    samples = tone(1.0)
    with av.open(str(file), "w") as out:
        video = out.add_stream("mpeg4", rate=10, width=64, height=64, pix_fmt="yuv420p")
        sound = out.add_stream("aac", rate=RATE_HZ, layout="mono")
        for number in range(10):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * number, np.uint8), "rgb24")
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
        for start in range(0, len(samples) - 1023, 1024):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts = RATE_HZ, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    heard, info = audio.read(file)
    assert info.codec == "aac"
    assert loudest_hz(heard[:22_050, 0], RATE_HZ) == pytest.approx(440, abs=2)


def test_vorbis_made_by_others(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.ogg", tone(1.0), RATE_HZ, format="OGG", subtype="VORBIS")
    heard, info = audio.read(tmp_path / "tone.ogg")
    assert info.codec == "vorbis"
    assert loudest_hz(heard[:22_050, 0], RATE_HZ) == pytest.approx(440, abs=2)


def test_stereo_folds_to_mono_by_the_mean_and_mono_spreads_to_both(tmp_path: Path) -> None:
    left, right = tone(0.5), tone(0.5, hz=880.0)
    soundfile.write(tmp_path / "stereo.wav", np.stack([left, right], axis=1), RATE_HZ, subtype="FLOAT")
    mono, _ = audio.read(tmp_path / "stereo.wav", channels=1)
    np.testing.assert_allclose(mono[:, 0], (left + right) / 2, atol=1e-6)
    soundfile.write(tmp_path / "mono.wav", left, RATE_HZ, subtype="FLOAT")
    both, _ = audio.read(tmp_path / "mono.wav", channels=2)
    np.testing.assert_array_equal(both, np.stack([left, left], axis=1))


def test_surround_is_folded_down(tmp_path: Path) -> None:
    channels = np.zeros((RATE_HZ, 6), np.float32)
    channels[:, 2] = tone(1.0)  # front centre
    soundfile.write(tmp_path / "surround.wav", channels, RATE_HZ, subtype="FLOAT")
    heard, info = audio.read(tmp_path / "surround.wav", channels=2)
    assert info.channels == 6
    np.testing.assert_array_equal(heard[:, 0], heard[:, 1])
    assert np.abs(heard).max() > 0.05


def test_a_stretch_is_cut_to_the_sample(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 3 * RATE_HZ).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", samples, RATE_HZ, subtype="FLOAT")
    heard, _ = audio.read(tmp_path / "noise.wav", start_s=0.7, stop_s=2.2)
    np.testing.assert_array_equal(heard[:, 0], samples[round(0.7 * RATE_HZ) : round(2.2 * RATE_HZ)])


def test_a_late_stretch_is_sought_and_not_decoded_from_the_start(tmp_path: Path) -> None:
    ramp = np.linspace(-1, 1, 400 * 8000, dtype=np.float32)
    soundfile.write(tmp_path / "ramp.flac", ramp, 8000)
    heard, _ = audio.read(tmp_path / "ramp.flac", start_s=300.0, stop_s=301.0)
    np.testing.assert_allclose(heard[:, 0], ramp[300 * 8000 : 301 * 8000], atol=1e-4)


def test_blocks_are_small_whatever_the_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.wav", np.zeros(8000 * 900, np.int16), 8000)
    with audio.decode(tmp_path / "long.wav", sample_rate_hz=RATE_HZ) as sound:
        sizes = [len(block) for block in sound]
    assert sum(sizes) == pytest.approx(900 * RATE_HZ, abs=2)
    assert max(sizes) <= 2 * RATE_HZ


def test_leaving_early_leaves_nothing_open(tmp_path: Path) -> None:
    audio.write(tmp_path / "long.flac", tone(60.0), sample_rate_hz=RATE_HZ)
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    for _ in range(50):
        with audio.decode(tmp_path / "long.flac") as sound:
            next(iter(sound))
    if before:
        assert len(list(Path("/proc/self/fd").iterdir())) <= before + 3


def test_threads_decode_at_the_same_time(tmp_path: Path) -> None:
    files = [tmp_path / f"{hz}.wav" for hz in (220, 330, 440, 550)]
    for file in files:
        audio.write(file, tone(5.0, hz=float(file.stem)), sample_rate_hz=RATE_HZ)
    heard: dict[str, float] = {}

    def work(file: Path) -> None:
        samples, _ = audio.read(file)
        heard[file.stem] = loudest_hz(samples[:RATE_HZ, 0], RATE_HZ)

    threads = [threading.Thread(target=work, args=(file,)) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {file.stem: pytest.approx(float(file.stem), abs=1) for file in files}


def test_works_in_a_script_without_main_guard(tmp_path: Path) -> None:
    audio.write(tmp_path / "tone.wav", tone(1.0), sample_rate_hz=RATE_HZ)
    script = tmp_path / "script.py"
    script.write_text("from linernotes import audio\nprint(len(audio.read('tone.wav')[0]))\n")
    done = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{RATE_HZ}\n"


def test_tags_are_read(tmp_path: Path) -> None:
    file = tmp_path / "tagged.mp3"
    with av.open(str(file), "w") as out:
        out.metadata.update({"title": "Título", "artist": "A", "TSRC": "USAT29900609"})
        stream = out.add_stream("libmp3lame", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(1.0)[None], "fltp", "mono")
        frame.sample_rate = RATE_HZ
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with audio.decode(file) as sound:
        assert sound.info.tags["title"] == "Título"
        assert sound.info.tags["tsrc"] == "USAT29900609"


# ── hostile and broken input ─────────────────────────────────────────────────


def refusal(file: Path, **options: object) -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        audio.read(file, **options)  # type: ignore[arg-type]
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    return caught.value


def test_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.mp3").touch()
    assert refusal(tmp_path / "empty.mp3").code == "empty"


def test_text_called_mp3(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("All work and no play makes Jack a dull boy.\n" * 200)
    assert refusal(tmp_path / "text.mp3").code == "unreadable"


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    head = (b"", b"RIFF\0\0\0\0WAVEfmt ", b"OggS", b"fLaC", b"ID3\4\0\0\0\0\0\0", b"\xff\xfb\x90\x64")[seed % 6]
    (tmp_path / "noise.bin").write_bytes(head + rng.bytes(20_000))
    try:
        samples, _ = audio.read(tmp_path / "noise.bin")
    except DecodeError:
        return
    assert np.isfinite(samples).all()


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "m4a", "opus"])
def test_flipped_and_cut_bytes_never_crash(tmp_path: Path, suffix: str) -> None:
    audio.write(tmp_path / f"good.{suffix}", tone(1.0, rate_hz=48_000), sample_rate_hz=48_000)
    good = (tmp_path / f"good.{suffix}").read_bytes()
    rng = np.random.default_rng(1)
    for number in range(12):
        bad = bytearray(good[: rng.integers(1, len(good))] if number % 3 == 0 else good)
        for place in rng.integers(0, len(bad), 1 + len(bad) // 500):
            bad[place] = rng.integers(256)
        (tmp_path / "bad").write_bytes(bad)
        try:
            audio.read(tmp_path / "bad")
        except DecodeError as error:
            assert error.code != "crashed"


def test_a_cut_mp3_says_that_it_is_cut(tmp_path: Path) -> None:
    audio.write(tmp_path / "whole.mp3", tone(20.0), sample_rate_hz=RATE_HZ)
    data = (tmp_path / "whole.mp3").read_bytes()
    (tmp_path / "cut.mp3").write_bytes(data[: len(data) // 2])
    with audio.decode(tmp_path / "cut.mp3") as sound:
        heard_s = sum(len(block) for block in sound) / RATE_HZ
    assert heard_s == pytest.approx(10, abs=0.5)
    assert [damage.code for damage in sound.damage] == ["truncated"]
    with audio.decode(tmp_path / "whole.mp3") as sound:
        list(sound)
    assert sound.damage == ()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    samples = tone(1.0)
    samples[30_000] = value
    soundfile.write(tmp_path / "nan.wav", samples, RATE_HZ, subtype="FLOAT")
    assert refusal(tmp_path / "nan.wav").code == "not_finite"


def test_eight_channels(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "eight.wav", np.zeros((8000, 8)), 8000)
    error = refusal(tmp_path / "eight.wav")
    assert error.code == "channels"
    assert "8 channels" in str(error)


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    audio.write(tmp_path / "secret.wav", tone(1.0), sample_rate_hz=RATE_HZ)
    secret = tmp_path / "secret.wav"
    for name, text in (
        ("list.m3u8", f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n"),
        ("list.ffconcat", f"ffconcat version 1.0\nfile '{secret}'\n"),
        ("list.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n"),
    ):
        (tmp_path / name).write_text(text)
        refusal(tmp_path / name)


def test_names_are_names_and_not_protocols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("http:song.wav", "-i.wav", "pipe:0", "concat:a|b", "a b%20\N{SNOWMAN}.wav"):
        audio.write(tmp_path / "plain.wav", tone(0.5), sample_rate_hz=RATE_HZ)
        (tmp_path / "plain.wav").rename(tmp_path / name)
        assert len(audio.read(name)[0]) == RATE_HZ // 2


def test_no_file_and_no_audio(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        audio.decode(tmp_path / "nothing.wav")


def test_a_header_that_announces_years_costs_nothing(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(b"\0\1" * 8000)
    data = bytearray(buffer.getvalue())
    data[40:44] = struct.pack("<I", 0xFFFF_FFF0)
    (tmp_path / "years.wav").write_bytes(data)
    heard, _ = audio.read(tmp_path / "years.wav")
    assert len(heard) == 8000


def test_length_limit(tmp_path: Path) -> None:
    audio.write(tmp_path / "tone.wav", tone(3.0), sample_rate_hz=RATE_HZ)
    with pytest.raises(DecodeError) as caught:
        list(audio.decode(tmp_path / "tone.wav", limits=audio.Limits(length_s=2.0)))
    assert caught.value.code == "length"
    assert sum(map(len, audio.decode(tmp_path / "tone.wav", limits=audio.Limits(length_s=3.5)))) == 3 * RATE_HZ


def test_memory_limit_stops_the_child_and_not_us(tmp_path: Path) -> None:
    audio.write(tmp_path / "tone.flac", tone(3.0), sample_rate_hz=RATE_HZ)
    with pytest.raises(DecodeError) as caught:
        list(audio.decode(tmp_path / "tone.flac", limits=audio.Limits(memory_mib=1)))
    assert caught.value.code in ("memory", "crashed", "unreadable")
    assert len(audio.read(tmp_path / "tone.flac")[0]) == 3 * RATE_HZ


def test_time_limit_stops_the_child(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "hours.wav"), "wb") as out:
        out.setparams((2, 2, 48_000, 0, "NONE", ""))
        for _ in range(40):
            out.writeframes(bytes(4 * 48_000 * 60))
    limits = audio.Limits(time_s=1.0)
    with pytest.raises(DecodeError) as caught:
        for _ in range(200):  # more processor time than a second, whatever the machine
            for _block in audio.decode(tmp_path / "hours.wav", sample_rate_hz=47_999, limits=limits):
                pass
            limits = audio.Limits(time_s=1.0)
    assert caught.value.code == "time"


def test_a_stalled_child_is_killed(tmp_path: Path) -> None:
    audio.write(tmp_path / "tone.wav", tone(30.0), sample_rate_hz=RATE_HZ)
    sound = audio.decode(tmp_path / "tone.wav", limits=audio.Limits(stall_s=0.3))
    os.kill(sound._pid, 19)  # SIGSTOP: as a file that makes the decoder wait for ever
    with pytest.raises(DecodeError) as caught:
        list(sound)
    assert caught.value.code == "time"


def test_a_dead_zygote_is_replaced(tmp_path: Path) -> None:
    audio.write(tmp_path / "tone.wav", tone(0.5), sample_rate_hz=RATE_HZ)
    audio.read(tmp_path / "tone.wav")
    assert decoding._zygote.process is not None
    decoding._zygote.process.kill()
    decoding._zygote.process.wait()
    assert len(audio.read(tmp_path / "tone.wav")[0]) == RATE_HZ // 2


def test_limits_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINERNOTES_DECODE_LENGTH_S", "7")
    assert audio.Limits.from_environment().length_s == 7
    monkeypatch.setenv("LINERNOTES_DECODE_LENGTH_S", "-1")
    with pytest.raises(ParameterError, match="LINERNOTES_DECODE_LENGTH_S"):
        audio.Limits.from_environment()


def test_unknown_format_is_refused() -> None:
    with pytest.raises(ParameterError, match="midi"):
        audio.encode(tone(0.1), sample_rate_hz=RATE_HZ, suffix="midi")
