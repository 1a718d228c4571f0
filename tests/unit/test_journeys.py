import os
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes import audio
from linernotes.errors import ConflictError, FormatError, ParameterError, StorageError, UnavailableError
from linernotes.journeys.clips import CLIP_RATE_HZ, undo
from linernotes.journeys.listening import find_audio, hear, over_cores
from linernotes.journeys.page import page
from linernotes.journeys.register import register
from linernotes.journeys.results import ResultsFile
from linernotes.journeys.trace import trace, trace_many
from linernotes.model import Role, Transform
from linernotes.workspace import Workspace

RATE_HZ = 22_050


@pytest.fixture(scope="session")
def registered(tmp_path_factory: pytest.TempPathFactory, song_files: list[Path]) -> Path:
    """A workspace with the four songs."""
    folder = tmp_path_factory.mktemp("registered")
    (song_files[0].parent / "songs.csv").write_text(
        "file,title,artist,isrc,iswc,writers,publisher,label,producer,year\n"
        "one.wav,First,Ada & Co,USAT29900609,T-034.524.680-1,"
        "Ada Example [IPI 00014107338] 1/3;Ben Example 2/3,,Small Label,Pia,2020\n"
        "two.flac,Second,Ada & Co,,,Ada Example,,,,\n"
    )
    with Workspace(folder, writable=True) as workspace:
        done = register(workspace, song_files, metadata=song_files[0].parent / "songs.csv")
    assert (len(done.recordings), done.problems) == (4, [])
    return folder


def upload(path: Path, samples: NDArray[np.float32]) -> Path:
    audio.write(path, samples, sample_rate_hz=RATE_HZ)
    return path


def test_an_excerpt_is_found_at_its_place(registered: Path, songs: list[NDArray[np.float32]], tmp_path: Path) -> None:
    file = upload(tmp_path / "excerpt.mp3", songs[0][5 * RATE_HZ : 11 * RATE_HZ])
    with Workspace(registered) as workspace:
        notes = trace(workspace, file)
    (evidence,) = notes.evidence
    assert (evidence.reference.title, evidence.reference.artist) == ("First", "Ada & Co")
    assert (evidence.reference.isrc, evidence.reference.iswc) == ("USAT29900609", "T0345246801")
    assert evidence.reference_start_s - evidence.query_start_s == pytest.approx(5.0, abs=0.1)
    assert evidence.query_stop_s - evidence.query_start_s > 5
    assert evidence.probability > 0.9
    assert [(c.party, c.role, c.share) for c in notes.credits] == [
        ("Ada & Co", Role.PERFORMER, None),
        ("Ada Example", Role.WRITER, Fraction(1, 3)),
        ("Ben Example", Role.WRITER, Fraction(2, 3)),
        ("Pia", Role.PRODUCER, None),
        ("Small Label", Role.LABEL, None),
    ]


def test_a_medley_is_found_part_by_part(registered: Path, songs: list[NDArray[np.float32]], tmp_path: Path) -> None:
    parts = [songs[2][2 * RATE_HZ : 9 * RATE_HZ], songs[1][4 * RATE_HZ : 11 * RATE_HZ]]
    with Workspace(registered) as workspace:
        notes = trace(workspace, upload(tmp_path / "medley.flac", np.concatenate(parts)))
    assert [e.reference.title for e in notes.evidence] == ["three", "Second"]
    assert notes.evidence[1].query_start_s == pytest.approx(7.0, abs=0.6)
    assert notes.evidence[1].reference_start_s == pytest.approx(4.0, abs=0.6)


def test_noise_is_nobody(registered: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(5).normal(0, 0.1, 12 * RATE_HZ).astype(np.float32)
    with Workspace(registered) as workspace:
        assert trace(workspace, upload(tmp_path / "noise.wav", noise)).evidence == []


def test_many_are_traced_in_order_and_faulty_ones_said(
    registered: Path, song_files: list[Path], tmp_path: Path
) -> None:
    (tmp_path / "text.mp3").write_text("no sound\n" * 100)
    paths = [song_files[1], tmp_path / "text.mp3", song_files[0]]
    with Workspace(registered) as workspace:
        notes = list(trace_many(workspace, paths, jobs=3))
    assert [n.path for n in notes] == [str(p) for p in paths]
    assert [[e.reference.title for e in n.evidence] for n in notes] == [["Second"], [], ["First"]]
    assert [[p.code for p in n.problems] for n in notes] == [[], ["unreadable"], []]


def test_ears(registered: Path, song_files: list[Path]) -> None:
    with Workspace(registered) as workspace:
        heard = trace(workspace, song_files[0], only=["recording"])
        assert heard.evidence
        assert heard.synthetic is None
        judged = trace(workspace, song_files[0], only=["synthetic"])
        assert not judged.evidence
        assert judged.synthetic is not None
        with pytest.raises(UnavailableError, match="version"):
            trace(workspace, song_files[0], only=["recording", "version"])
        with pytest.raises(ParameterError, match="smell"):
            trace(workspace, song_files[0], only=["smell"])


def test_an_empty_workspace_is_not_made_by_tracing(tmp_path: Path, song_files: list[Path]) -> None:
    with Workspace(tmp_path / "nowhere") as workspace:
        assert trace(workspace, song_files[0]).evidence == []
    assert not (tmp_path / "nowhere").exists()


def test_a_fingerprint_without_catalogue_entry_accuses_nobody(tmp_path: Path, song_files: list[Path]) -> None:
    with Workspace(tmp_path, writable=True) as workspace:
        workspace.index.add({"rec_orphan": hear(song_files[0]).fingerprint})
        assert trace(workspace, song_files[0]).evidence == []
        assert len(register(workspace, [song_files[0]]).recordings) == 1
        assert [e.reference.title for e in trace(workspace, song_files[0]).evidence] == ["one"]


def test_the_same_file_twice_is_one_recording(tmp_path: Path, song_files: list[Path]) -> None:
    copy = tmp_path / "copy.wav"
    copy.write_bytes(song_files[0].read_bytes())
    with Workspace(tmp_path / "w", writable=True) as workspace:
        first = register(workspace, [song_files[0], copy])
        again = register(workspace, [copy])
        assert (len(first.recordings), len(first.already), len(again.recordings)) == (1, 1, 0)
        assert (len(workspace.catalogue), len(workspace.index)) == (1, 1)


def test_tags_fill_in_what_the_table_does_not_say(tmp_path: Path, songs: list[NDArray[np.float32]]) -> None:
    file = tmp_path / "tagged.flac"
    with av.open(str(file), "w") as out:
        tags = {"title": "Tagged", "artist": "X;Y 1/2", "composer": "Z", "ISRC": "NOT-ONE", "date": "2001-05-01"}
        out.metadata.update(tags)
        stream = out.add_stream("flac", rate=RATE_HZ, layout="mono")
        samples = np.ascontiguousarray((songs[0][None] * 32767).astype(np.int16))
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate = RATE_HZ
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with Workspace(tmp_path / "w", writable=True) as workspace:
        done = register(workspace, [file])
        (recording,) = done.recordings
        entry = workspace.catalogue.entry(recording.id)
    assert (recording.title, recording.artist, recording.isrc, recording.year) == ("Tagged", "X, Y 1/2", None, 2001)
    assert [problem.code for problem in done.problems] == ["isrc"]
    assert entry.shares == []  # a tag never deals out shares
    assert {party.name for party in entry.parties} == {"X", "Y 1/2", "Z"}


def test_a_file_whose_line_is_faulty_is_not_registered(tmp_path: Path, song_files: list[Path]) -> None:
    (song_files[0].parent / "bad.csv").write_text("file,isrc\none.wav,NOPE\ntwo.flac,\n")
    with Workspace(tmp_path, writable=True) as workspace:
        done = register(workspace, song_files[:2], metadata=song_files[0].parent / "bad.csv")
        assert [recording.title for recording in done.recordings] == ["two"]
        assert [problem.code for problem in done.problems] == ["isrc"]
        assert len(workspace.index) == 1


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path, songs: list[NDArray[np.float32]]) -> None:
    for album, song in zip(("first", "second"), songs, strict=False):
        (tmp_path / "music" / album).mkdir(parents=True)
        upload(tmp_path / "music" / album / "01.wav", song)
    (tmp_path / "elsewhere").mkdir()
    table = tmp_path / "elsewhere" / "songs.csv"
    table.write_text("file,title\nfirst/01.wav,One\nsecond/01.wav,Two\n")
    with Workspace(tmp_path / "w", writable=True) as workspace:
        done = register(workspace, [tmp_path / "music"], metadata=table)
    assert [(Path(r.path).parent.name, r.title) for r in done.recordings] == [("first", "One"), ("second", "Two")]


def test_two_files_with_one_isrc(tmp_path: Path, song_files: list[Path]) -> None:
    (song_files[0].parent / "twins.csv").write_text("file,isrc\none.wav,USAT29900609\ntwo.flac,USAT29900609\n")
    with Workspace(tmp_path, writable=True) as workspace:
        done = register(workspace, [], metadata=song_files[0].parent / "twins.csv")
        assert (len(done.recordings), [p.code for p in done.problems]) == (1, ["isrc_taken"])
        assert (len(workspace.catalogue), len(workspace.index)) == (1, 1)


def test_a_table_that_is_none_stops_before_anything_is_written(tmp_path: Path, song_files: list[Path]) -> None:
    (tmp_path / "not.csv").write_text("a,b\n1,2\n")
    with Workspace(tmp_path / "w", writable=True) as workspace:
        with pytest.raises(FormatError):
            register(workspace, song_files, metadata=tmp_path / "not.csv")
        assert len(workspace.catalogue) == 0


def test_two_registrations_at_once(tmp_path: Path, song_files: list[Path]) -> None:
    with Workspace(tmp_path, writable=True) as one, Workspace(tmp_path, writable=True) as two:
        register(one, song_files[:1])
        with pytest.raises(ConflictError, match="another process"):
            register(two, song_files[1:2])


def test_a_workspace_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ParameterError, match="a folder"):
        Workspace(tmp_path / "file")
    with pytest.raises(StorageError, match="cannot be written"):
        Workspace(tmp_path / "file" / "below", writable=True)
    with pytest.raises(StorageError, match="cannot be written"):
        Workspace("/proc/linernotes", writable=True)


def test_find_audio(tmp_path: Path) -> None:
    for name in ("b/2.MP3", "b/1.flac", "b/cover.jpg", "a.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    found, problems = find_audio(
        [tmp_path / "b", tmp_path / "a.wav", tmp_path / "b", tmp_path / "empty", tmp_path / "x"]
    )
    assert [path.name for path in found] == ["1.flac", "2.MP3", "a.wav"]
    assert [problem.code for problem in problems] == ["no_audio", "not_found"]


def test_over_cores_keeps_order_bounds_what_is_in_flight_and_passes_errors_on() -> None:
    flying, most, lock = [0], [0], threading.Lock()

    def work(number: int) -> int:
        with lock:
            flying[0] += 1
            most[0] = max(most[0], flying[0])
        with lock:
            flying[0] -= 1
        if number == 90:
            raise ConflictError("ninety")
        return number

    results = over_cores(work, range(100), jobs=4)
    assert [next(results) for _ in range(90)] == list(range(90))
    with pytest.raises(ConflictError):
        next(results)
    assert most[0] <= 4


def test_results_go_on_after_a_kill(registered: Path, song_files: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "notes.jsonl"
    with Workspace(registered) as workspace:
        revision = workspace.index.revision
        with ResultsFile(out, index_revision=revision) as results:
            for notes in trace_many(workspace, song_files[:2]):
                results.append(notes)
        whole = out.read_bytes()
        out.write_bytes(whole[:-20])  # torn by a kill
        with ResultsFile(out, index_revision=revision) as results:
            assert [results.has(path) for path in song_files[:3]] == [True, False, False]
            for notes in trace_many(workspace, song_files, done=results):
                results.append(notes)
        assert len(out.read_text().splitlines()) == 4
        with ResultsFile(out, index_revision="another") as results:
            assert not any(results.has(path) for path in song_files)
    assert out.read_text() == ""


def test_results_are_not_written_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("Chapter 1\n")
    with pytest.raises(FormatError, match="not liner notes"):
        ResultsFile(tmp_path / "thesis.txt", index_revision="x")
    assert (tmp_path / "thesis.txt").read_text() == "Chapter 1\n"


def test_the_page_holds_both_sounds_or_says_which_is_missing(
    registered: Path, song_files: list[Path], tmp_path: Path
) -> None:
    moved = tmp_path / "moved.flac"
    moved.write_bytes(song_files[1].read_bytes())
    with Workspace(registered) as workspace:
        notes = trace(workspace, moved)
        assert page(workspace, [notes]).count("data:audio/mpeg;base64,") == 2
        os.unlink(moved)  # noqa: PTH108
        assert page(workspace, [notes]).count("data:audio/mpeg;base64,") == 1


@pytest.mark.parametrize(("pitch", "tempo"), [(0.0, 1.25), (3.0, 1.0), (12 * float(np.log2(0.85)), 0.85), (2.0, 1.1)])
def test_a_change_is_undone_for_the_ear(pitch: float, tempo: float) -> None:
    # An upload whose reference is a tone of 440 Hz.
    n = 4 * CLIP_RATE_HZ
    changed = 0.3 * np.sin(2 * np.pi * 440 * 2 ** (pitch / 12) * np.arange(n) / CLIP_RATE_HZ)
    restored = undo(changed.astype(np.float32), Transform(pitch, tempo))
    assert len(restored) == pytest.approx(n * tempo, rel=0.002)
    middle = restored[CLIP_RATE_HZ // 2 : CLIP_RATE_HZ * 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * CLIP_RATE_HZ / len(middle) == pytest.approx(440, abs=2)
