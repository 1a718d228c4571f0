from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.analyse import fingerprint, landmarks, verdicts
from linernotes.analyse.candidates import Catalogue, Stretch
from linernotes.analyse.fingerprint import DEFAULT, extract, match
from linernotes.errors import ConflictError
from linernotes.model import Fingerprint, Match
from linernotes.render import band
from linernotes.store.index import Index

RATE_HZ = DEFAULT.sample_rate_hz
Sound = NDArray[np.float32]
STYLES = ("indie folk", "synth pop", "jazz trio", "rock")


@pytest.fixture(scope="module")
def music() -> dict[str, Sound]:
    """Eight different songs, 20 s each, at the rate of the fingerprint."""
    return {
        f"rec_{seed}": band.perform(band.compose(seed, style=STYLES[seed % 4], duration_s=20.0), sample_rate_hz=RATE_HZ)
        .mean(axis=1)
        .astype(np.float32)
        for seed in range(9)
    }


@pytest.fixture(scope="module")
def index(music: dict[str, Sound], tmp_path_factory: pytest.TempPathFactory) -> Index:
    """All but the last song, in two segments."""
    folder = tmp_path_factory.mktemp("index")
    names = list(music)
    with Index(folder, parameter_id=DEFAULT.id, writable=True) as writer:
        for part in (names[:5], names[5:8]):
            writer.add({name: extract([music[name]]) for name in part})
    return Index(folder, parameter_id=DEFAULT.id)


def cut(sound: Sound, start_s: float, length_s: float) -> Sound:
    return sound[round(start_s * RATE_HZ) : round((start_s + length_s) * RATE_HZ)]


def noisy(sound: Sound, snr_db: float, seed: int = 0) -> Sound:
    noise = np.random.default_rng(seed).standard_normal(len(sound))
    mixed: Sound = (sound + noise * sound.std() * 10 ** (-snr_db / 20)).astype(np.float32)
    return mixed


def faster(sound: Sound, factor: float) -> Sound:
    """As a turntable does it: pitch and tempo together."""
    at = np.arange(0, len(sound) - 1, factor)
    resampled: Sound = np.interp(at, np.arange(len(sound)), sound).astype(np.float32)
    return resampled


NAMES = ("frames", "loud_frames", "signs", "strong", "landmarks", "peaks")


def same(one: Fingerprint, other: Fingerprint) -> bool:
    return all(getattr(one, name).tobytes() == getattr(other, name).tobytes() for name in NAMES)


# ── the extractor ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        np.zeros(RATE_HZ * 3, np.float32),
        np.full(RATE_HZ * 3, 0.5, np.float32),
    ],
    ids=["nothing", "silence", "direct current"],
)
def test_nothing_to_hear_gives_an_empty_fingerprint(sound: Sound, index: Index) -> None:
    heard = extract([sound])
    assert heard.duration_s == len(sound) / RATE_HZ
    assert match(heard, index) == []
    if not sound.any():
        assert all(len(getattr(heard, name)) == 0 for name in NAMES)


@pytest.mark.parametrize("n", [1, 100, 551, 1024, 2000])
def test_short_sound_is_no_trouble(n: int, index: Index) -> None:
    heard = extract([np.random.default_rng(n).uniform(-1, 1, n).astype(np.float32)])
    assert match(heard, index) == []


def test_the_same_sound_gives_the_same_bytes_whatever_the_blocks(music: dict[str, Sound]) -> None:
    sound = np.concatenate([music["rec_0"], music["rec_1"]])
    whole = extract([sound])
    assert same(whole, extract([sound]))
    for size in (1_000, 11_025, 97_777):
        assert same(whole, extract(sound[i : i + size] for i in range(0, len(sound), size)))
    assert same(whole, extract([sound[:1], sound[1:1], sound[1:]]))


def test_a_frame_every_64_ms(music: dict[str, Sound]) -> None:
    heard = extract([music["rec_0"]])
    assert heard.duration_s == 20.0
    assert len(heard.signs) == pytest.approx(20.0 / DEFAULT.frame_s, abs=1)
    assert heard.frames.tobytes() == heard.signs[::2].tobytes()
    assert heard.frames.nbytes * 3600 / 20 < 2e6


def test_the_id_follows_from_the_parameters() -> None:
    assert replace(DEFAULT).id == DEFAULT.id
    assert replace(DEFAULT, n_bands=64).id != DEFAULT.id


# ── the search ───────────────────────────────────────────────────────────────


def only(found: list[Match]) -> Match:
    assert len(found) == 1, found
    return found[0]


def test_a_copy_is_found_whole(index: Index, music: dict[str, Sound]) -> None:
    found = only(match(extract([music["rec_3"]]), index))
    assert found.recording_id == "rec_3"
    assert found.probability > 0.99
    assert (found.query_start_s, found.reference_start_s) == pytest.approx((0.0, 0.0), abs=0.1)
    assert (found.query_stop_s, found.reference_stop_s) == pytest.approx((20.0, 20.0), abs=0.1)
    assert (found.transform.pitch_semitones, found.transform.tempo_ratio) == (0.0, 1.0)


@pytest.mark.parametrize("start_s", [0.0, 3.33, 9.9])
@pytest.mark.parametrize(
    "change",
    [
        lambda sound: sound,
        lambda sound: noisy(sound, 5.0),
        lambda sound: np.clip(8 * sound, -0.5, 0.5),
        lambda sound: sound + np.float32(0.3),
        lambda sound: (0.01 * sound).astype(np.float32),
    ],
    ids=["plain", "noise", "clipped", "direct current", "quiet"],
)
def test_an_excerpt_is_found_at_its_place(
    index: Index, music: dict[str, Sound], start_s: float, change: Callable[[Sound], Sound]
) -> None:
    found = match(extract([change(cut(music["rec_6"], start_s, 5.0))]), index, threshold=0.5)
    best = max(found, key=lambda m: m.probability)
    assert best.recording_id == "rec_6"
    assert best.reference_start_s - best.query_start_s == pytest.approx(start_s, abs=0.1)


def test_delaying_the_sound_shifts_the_match(index: Index, music: dict[str, Sound]) -> None:
    starts = []
    for delay_s in (0.0, 0.5, 1.25):
        silence = np.zeros(round(delay_s * RATE_HZ), np.float32)
        found = only(match(extract([np.concatenate([silence, cut(music["rec_1"], 4.0, 6.0)])]), index))
        starts.append(found.reference_start_s - (found.query_start_s - delay_s))
    assert starts == pytest.approx([4.0, 4.0, 4.0], abs=0.1)


@pytest.mark.parametrize("factor", [0.85, 1.25])
def test_another_speed_is_found_and_told(index: Index, music: dict[str, Sound], factor: float) -> None:
    found = only(match(extract([faster(cut(music["rec_3"], 2.0, 12.0), factor)]), index))
    assert found.recording_id == "rec_3"
    assert found.transform.tempo_ratio == pytest.approx(factor, rel=0.01)
    assert found.transform.pitch_semitones == pytest.approx(12 * np.log2(factor), abs=0.2)
    assert found.reference_start_s == pytest.approx(2.0 + found.query_start_s * factor, abs=0.15)


def test_a_medley_lists_every_part(index: Index, music: dict[str, Sound]) -> None:
    parts = [("rec_0", 3.0), ("rec_5", 8.0), ("rec_3", 1.0)]
    found = match(extract([np.concatenate([cut(music[name], start_s, 6.0) for name, start_s in parts])]), index)
    assert [m.recording_id for m in found] == [name for name, _ in parts]
    for m, (_, start_s), at_s in zip(found, parts, (0.0, 6.0, 12.0), strict=True):
        assert m.query_start_s == pytest.approx(at_s, abs=0.5)
        assert m.reference_start_s - m.query_start_s == pytest.approx(start_s - at_s, abs=0.1)


def test_two_at_once_are_both_heard(index: Index, music: dict[str, Sound]) -> None:
    one, other = cut(music["rec_1"], 2.0, 10.0), cut(music["rec_7"], 6.0, 10.0)
    found = match(extract([(one / one.std() + other / other.std()) * np.float32(0.1)]), index, threshold=0.5)
    assert {m.recording_id for m in found} == {"rec_1", "rec_7"}


def test_a_stranger_is_not_accused(index: Index, music: dict[str, Sound]) -> None:
    assert match(extract([music["rec_8"]]), index) == []
    noise = np.random.default_rng(5).standard_normal(RATE_HZ * 10).astype(np.float32)
    assert match(extract([noise]), index) == []


def test_in_a_large_catalogue_nothing_changed_is_looked_for_beside_what_is_told(
    index: Index, music: dict[str, Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, propose = [], landmarks.propose

    def asking(
        stretch: Stretch, catalogue: Catalogue, families: Sequence[landmarks.Family], *, limit: int
    ) -> NDArray[np.float64]:
        asked.append(families)
        return propose(stretch, catalogue, families, limit=limit)

    monkeypatch.setattr(landmarks, "propose", asking)
    query = extract([noisy(cut(music["rec_2"], 4, 5), -3)])
    assert only(match(query, index)).recording_id == "rec_2"
    assert landmarks.CHANGED in asked
    asked.clear()
    monkeypatch.setattr(fingerprint, "_FRAMES_BESIDE", 0)
    assert only(match(query, index)).recording_id == "rec_2"
    assert asked == [landmarks.UNCHANGED]


def test_what_agrees_nearby_as_well_does_not_stand_out_unless_it_is_a_copy() -> None:
    weighed = np.zeros((3, len(verdicts.FEATURES)))
    weighed[:, 0], weighed[:, 1], weighed[:, 4] = np.log(33), np.log([14, 9, 14]), np.arctanh([0.6, 0.6, 0.9])
    assert verdicts.stands_out(weighed).tolist() == [False, True, True]


def test_limit_keeps_the_surest(index: Index, music: dict[str, Sound]) -> None:
    query = extract([np.concatenate([cut(music["rec_0"], 3.0, 6.0), noisy(cut(music["rec_5"], 8.0, 6.0), 0.0)])])
    found = match(query, index)
    assert {m.recording_id for m in found} == {"rec_0", "rec_5"}
    assert only(match(query, index, limit=1)) == max(found, key=lambda m: m.probability)


def test_removed_recordings_are_not_found_and_merging_changes_nothing(music: dict[str, Sound], tmp_path: Path) -> None:
    query = extract([np.concatenate([cut(music["rec_0"], 3.0, 6.0), cut(music["rec_2"], 2.0, 6.0)])])
    with Index(tmp_path, parameter_id=DEFAULT.id, writable=True) as writer:
        for name in list(music)[:6]:
            writer.add({name: extract([music[name]])})
        writer.remove(["rec_2"])
        before = match(query, writer)
        assert {m.recording_id for m in before} == {"rec_0"}
        writer.merge()
        assert len(writer.segments) < 6
        after = match(query, writer)
        assert [(m.recording_id, m.query_start_s, m.reference_start_s) for m in after] == [
            (m.recording_id, m.query_start_s, m.reference_start_s) for m in before
        ]


def test_an_empty_index_knows_nothing(music: dict[str, Sound], tmp_path: Path) -> None:
    assert match(extract([music["rec_0"]]), Index(tmp_path / "none", parameter_id=DEFAULT.id)) == []


def test_other_parameters_are_refused(music: dict[str, Sound], index: Index) -> None:
    query = extract([music["rec_0"]], parameters=replace(DEFAULT, strong_level=0.5))
    with pytest.raises(ConflictError, match="register the catalogue again"):
        match(query, index)


def test_the_public_names_are_those_of_the_parts() -> None:
    assert fingerprint.extract is extract
    assert 0 < fingerprint.THRESHOLD < 1
