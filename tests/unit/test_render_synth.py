import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.errors import ParameterError
from linernotes.render import effects, instruments
from linernotes.render.synth import Envelope, Instrument, Note, frequency_hz, render
from linernotes.render.voices import Fm, Kit, Strike, String, Tone

RATE_HZ = 44_100
TONAL: dict[str, String | Tone | Fm] = {
    "string": String(decay_s=6.0),
    "dark string": String(decay_s=2.0, damping=0.5, hardness=0.3, pluck=0.35),
    "tone": Tone((1.0, 0.5, 0.3, 0.2)),
    "fm": Fm(ratio=1.0, depth=0.8),
}


def play(
    part: list[Note], instrument: Instrument, *, duration_s: float = 2.0, rate_hz: int = RATE_HZ, seed: int = 1
) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return render(part, instrument, duration_s=duration_s, sample_rate_hz=rate_hz, rng=rng)


def heard_hz(sound: NDArray[np.float32], near_hz: float, rate_hz: int = RATE_HZ) -> float:
    """The strongest frequency within a semitone, to a fraction of a cent by padding and a parabola."""
    points = 1 << 21
    mono = sound.mean(axis=1)
    spectrum = np.log(np.abs(np.fft.rfft(mono * np.hanning(len(mono)), points)) + 1e-12)
    low, high = (round(near_hz * ratio * points / rate_hz) for ratio in (2 ** (-1 / 12), 2 ** (1 / 12)))
    top = low + int(np.argmax(spectrum[low:high]))
    before, at, after = spectrum[top - 1 : top + 2]
    return float((top + 0.5 * (before - after) / (before - 2 * at + after)) * rate_hz / points)


def test_frequency_of_concert_pitch() -> None:
    assert frequency_hz(69) == 440.0
    assert frequency_hz(60) == pytest.approx(261.6256, abs=1e-4)


@pytest.mark.parametrize("voice", TONAL.values(), ids=TONAL.keys())
@pytest.mark.parametrize("midi", [33.0, 57.0, 60.5, 81.0])
def test_a_note_sounds_at_its_pitch(voice: String | Tone | Fm, midi: float) -> None:
    sound = play([Note(0.0, 1.9, midi)], Instrument(voice))
    assert abs(1200 * np.log2(heard_hz(sound, frequency_hz(midi)) / frequency_hz(midi))) < 3.0


def test_a_note_is_in_tune_at_another_sample_rate() -> None:
    sound = play([Note(0.0, 1.9, 76)], Instrument(TONAL["string"]), rate_hz=22_050)
    heard = heard_hz(sound, frequency_hz(76), 22_050)
    assert abs(1200 * np.log2(heard / frequency_hz(76))) < 3.0


@pytest.mark.parametrize("decay_s", [1.0, 2.5, 5.0])
def test_a_string_falls_by_sixty_decibels_in_its_decay(decay_s: float) -> None:
    voice = String(decay_s=decay_s, damping=0.2)
    sound = play([Note(0.0, 1.9, 45)], Instrument(voice)).mean(axis=1)
    seconds = np.arange(len(sound)) / RATE_HZ
    # The fundamental alone: overtones are meant to die sooner.
    carrier = sound * np.exp(-2j * np.pi * frequency_hz(45) * seconds)
    level_db = [20 * np.log10(abs(carrier[at : at + RATE_HZ // 5].mean())) for at in (8_820, 57_330)]
    fall_db_per_s = (level_db[0] - level_db[1]) / ((57_330 - 8_820) / RATE_HZ)
    assert fall_db_per_s == pytest.approx(60 / decay_s, rel=0.05)


def test_overtones_of_a_string_die_before_its_fundamental() -> None:
    sound = play([Note(0.0, 1.9, 45)], Instrument(String(decay_s=6.0, damping=0.4))).mean(axis=1)
    hz = np.fft.rfftfreq(16_384, 1 / RATE_HZ)

    def brightness_hz(at: int) -> float:
        power = np.abs(np.fft.rfft(sound[at : at + 16_384] * np.hanning(16_384))) ** 2
        return float((hz * power).sum() / power.sum())

    assert brightness_hz(60_000) < 0.7 * brightness_hz(0)


def test_a_detuned_tone_is_wide_and_a_single_one_is_not() -> None:
    note = [Note(0.0, 1.5, 60)]
    wide = play(note, Instrument(Tone((1.0, 0.5), copies=4, detune_cents=12)))
    narrow = play(note, Instrument(Tone((1.0, 0.5))))
    assert np.asarray(np.corrcoef(wide.T))[0, 1] < 0.9
    np.testing.assert_allclose(narrow[:, 0], narrow[:, 1], rtol=1e-6)


def test_pan_keeps_power_and_takes_sides() -> None:
    powers = {}
    for pan in (-1.0, 0.0, 1.0):
        sound = play([Note(0.0, 1.0, 60)], Instrument(Tone((1.0,)), pan=pan)).astype(np.float64)
        powers[pan] = [float(np.square(sound[:, side]).sum()) for side in (0, 1)]
    assert powers[-1.0][1] < 1e-9 * powers[-1.0][0]
    assert powers[1.0][0] < 1e-9 * powers[1.0][1]
    assert sum(powers[0.0]) == pytest.approx(sum(powers[-1.0]), rel=1e-4)


def test_a_note_begins_and_ends_when_it_says() -> None:
    envelope = Envelope(attack_s=0.002, release_s=0.05)
    sound = play([Note(0.5, 0.7, 69)], Instrument(Tone((1.0,)), envelope))
    loud = np.flatnonzero(np.abs(sound[:, 0]) > 1e-5) / RATE_HZ
    assert loud[0] == pytest.approx(0.5, abs=0.002)
    assert loud[-1] == pytest.approx(1.25, abs=0.005)


def test_a_harder_note_is_louder_and_brighter() -> None:
    instrument = Instrument(Fm(ratio=1.0, depth=2.0))
    soft, hard = (play([Note(0.0, 1.0, 57, velocity)], instrument).mean(axis=1) for velocity in (0.2, 1.0))
    assert np.abs(hard).max() > 3 * np.abs(soft).max()
    spectra = [np.abs(np.fft.rfft(sound)) for sound in (soft, hard)]
    above = round(600 * 2.0)
    shares = [spectrum[above:].sum() / spectrum.sum() for spectrum in spectra]
    assert shares[1] > 1.3 * shares[0]


def test_the_same_seed_gives_the_same_bytes_and_length_is_exact() -> None:
    part = [Note(0.1 * turn, 0.3, 48 + turn, 0.4 + 0.05 * turn) for turn in range(10)]
    instrument = Instrument(String(body=((110.0, 4.0, 1.0),)), spread=0.5)
    first, again, other = (play(part, instrument, duration_s=1.2345, seed=seed) for seed in (3, 3, 4))
    assert first.shape == (round(1.2345 * RATE_HZ), 2)
    assert first.dtype == np.float32
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_silence_in_silence_out() -> None:
    assert not play([], Instrument(Tone((1.0,)))).any()


def test_drums_lie_in_their_bands() -> None:
    def centre_hz(piece: int) -> float:
        sound = play([Note(0.0, 0.1, piece)], Instrument(instruments.ACOUSTIC_KIT), duration_s=0.4).mean(axis=1)
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float((np.fft.rfftfreq(len(sound), 1 / RATE_HZ) * power).sum() / power.sum())

    kick, snare, hat = (centre_hz(piece) for piece in (instruments.KICK, instruments.SNARE, instruments.CLOSED_HAT))
    assert kick < 200 < snare < 4_500
    assert hat > 5_500


def test_no_two_takes_of_a_drum_are_equal() -> None:
    kit = Kit({38: Strike(modes=((190.0, 0.4, 0.1),), noise=0.4)})
    sound = play([Note(0.0, 0.1, 38), Note(0.5, 0.1, 38)], Instrument(kit), duration_s=1.0)
    half = RATE_HZ // 2
    assert not np.allclose(sound[:half], sound[half:], atol=1e-3)


@pytest.mark.parametrize("kit", [instruments.ACOUSTIC_KIT, instruments.MACHINE_KIT, instruments.BRUSHES_KIT])
def test_every_piece_of_every_kit_sounds_and_rings_out(kit: Kit) -> None:
    for piece in kit.pieces:
        sound = play([Note(0.0, 0.1, piece, 1.0)], Instrument(kit, spread=1.0), duration_s=3.0)
        assert np.isfinite(sound).all()
        assert 0.02 < np.abs(sound).max() < 2.0
        assert np.abs(sound[-RATE_HZ // 10 :]).max() < 1e-3


@pytest.mark.parametrize(
    "note", [Note(-0.1, 1, 60), Note(0, 0, 60), Note(0, 1, 60, 0.0), Note(0, 1, 60, 1.1), Note(float("nan"), 1, 60)]
)
def test_an_impossible_note_is_refused(note: Note) -> None:
    with pytest.raises(ParameterError, match="cannot play"):
        play([note], Instrument(Tone((1.0,))))


def test_a_missing_piece_is_named() -> None:
    with pytest.raises(ParameterError, match=r"no piece 99; it has \[36"):
        play([Note(0, 1, 99)], Instrument(instruments.ACOUSTIC_KIT))


def test_no_time_is_refused() -> None:
    with pytest.raises(ParameterError, match="must be positive"):
        play([], Instrument(Tone((1.0,))), duration_s=0.0)


# ── effects ──────────────────────────────────────────────────────────────────


def test_convolution_in_blocks_equals_the_definition() -> None:
    rng = np.random.default_rng(5)
    sound = rng.standard_normal((2, 20_000), dtype=np.float32)
    response = rng.standard_normal((2, 3_001), dtype=np.float32)
    expected = [np.convolve(row, taps)[:20_000] for row, taps in zip(sound, response, strict=True)]
    np.testing.assert_allclose(effects.convolve(sound, response), expected, atol=2e-3)


def test_a_filter_keeps_its_band() -> None:
    seconds = np.arange(RATE_HZ) / RATE_HZ
    for hz, gain_db in ((100.0, -20.0), (2_000.0, 0.0), (16_000.0, -24.0)):
        sine = np.sin(2 * np.pi * hz * seconds)[np.newaxis].astype(np.float32)
        out = effects.filter_band(sine, low_hz=316.0, high_hz=8_000.0, sample_rate_hz=RATE_HZ)
        assert 20 * np.log10(out.std() / sine.std()) == pytest.approx(gain_db, abs=1.5)


def test_a_room_rings_as_long_as_asked_and_keeps_its_energy() -> None:
    click = np.zeros((2, 2 * RATE_HZ), dtype=np.float32)
    click[:, 0] = 1.0
    tail = effects.room(click, decay_s=1.5, sample_rate_hz=RATE_HZ, rng=np.random.default_rng(1))
    assert np.square(tail).sum(axis=1) == pytest.approx([1.0, 1.0], rel=0.02)
    power = [np.square(tail[:, at : at + 6_000]).mean() for at in (8_000, 38_000)]
    fall_db_per_s = 10 * np.log10(power[0] / power[1]) / (30_000 / RATE_HZ)
    assert fall_db_per_s == pytest.approx(60 / 1.5, rel=0.2)


def test_echoes_come_in_time_and_change_sides() -> None:
    click = np.zeros((2, RATE_HZ), dtype=np.float32)
    click[0, 0] = 1.0
    out = effects.echo(click, delay_s=0.25, feedback=0.5, sample_rate_hz=RATE_HZ)
    quarter = RATE_HZ // 4
    assert out[1, quarter] == pytest.approx(0.5)
    assert out[0, 2 * quarter] == pytest.approx(0.25)
    assert np.count_nonzero(out) == 3


def test_an_impossible_echo_is_refused() -> None:
    with pytest.raises(ParameterError, match="no echo"):
        effects.echo(np.zeros((2, 10), dtype=np.float32), delay_s=0.0, feedback=0.5, sample_rate_hz=RATE_HZ)


def test_saturation_keeps_full_scale_and_lifts_what_is_below() -> None:
    out = effects.saturate(np.array([[0.0, 0.3, 1.0, -1.0]], dtype=np.float32), drive=4.0)[0]
    assert out[0] == 0.0
    assert out[1] > 0.6
    assert out[2:] == pytest.approx([1.0, -1.0])
