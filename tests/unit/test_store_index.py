import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes.errors import ConflictError, InvariantError, ParameterError, StorageError
from linernotes.model import CELL_FRAMES, LANDMARK_KEYS, WITNESS_BITS, Fingerprint
from linernotes.store.index import Index

ID = "cells-test"
NO_PEAKS = np.zeros((0, 2), np.int32)


def fingerprint(seed: int, n_frames: int = 40, parameter_id: str = ID) -> Fingerprint:
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 2**63, (n_frames, 2)).astype(np.uint64)
    limits = (LANDMARK_KEYS, -(-n_frames // CELL_FRAMES), 1 << WITNESS_BITS)
    landmarks = rng.integers(0, np.maximum(limits, 1), (n_frames, 3)).astype(np.uint32)
    return Fingerprint(parameter_id, n_frames * 0.064, words, words[::2], words, words, landmarks, NO_PEAKS)


def content(index: Index) -> dict[str, bytes]:
    """What a search would see, whatever the segments."""
    return {
        recording_id: bytes(s.frames[s.starts[i] : s.starts[i + 1]])
        for s in index.segments
        for i, recording_id in enumerate(s.recording_ids)
        if not s.removed[i]
    }


def kept_landmarks(index: Index) -> dict[str, list[list[int]]]:
    """The landmarks of every recording, sorted."""
    return {
        s.recording_ids[i]: sorted(some.tolist())
        for s in index.segments
        for i, some in enumerate(s.landmarks.unpack(s.cell_starts, range(len(s.recording_ids))))
        if not s.removed[i]
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


def opened(folder: Path, *, writable: bool = False) -> Index:
    return Index(folder, parameter_id=ID, writable=writable)


def test_a_missing_folder_is_empty_and_stays_missing(folder: Path) -> None:
    with opened(folder) as index:
        assert (len(index), index.recording_ids, index.segments) == (0, (), ())
        assert "rec_a" not in index
        with pytest.raises(ParameterError, match="writable=True"):
            index.add({"rec_a": fingerprint(1)})
    assert not folder.exists()


def test_what_was_added_is_there_again(folder: Path) -> None:
    entries = {f"rec_{i}": fingerprint(i, 10 + i) for i in range(5)} | {"rec_silent": fingerprint(0, 0)}
    with opened(folder, writable=True) as index:
        before = index.revision
        index.add(entries)
        assert index.revision != before
    with opened(folder) as index:
        assert index.recording_ids == tuple(entries)
        assert content(index) == {key: bytes(f.frames) for key, f in entries.items()}
        assert all(not s.frames.flags.writeable for s in index.segments)


def test_an_id_is_kept_once(folder: Path) -> None:
    with opened(folder, writable=True) as index:
        index.add({"rec_a": fingerprint(1)})
        revision, files = index.revision, sorted(folder.iterdir())
        index.add({"rec_a": fingerprint(2)})
        assert (index.revision, sorted(folder.iterdir())) == (revision, files)
        assert content(index) == {"rec_a": bytes(fingerprint(1).frames)}


def test_removed_is_gone_and_may_come_back(folder: Path) -> None:
    with opened(folder, writable=True) as index:
        index.add({"rec_a": fingerprint(1), "rec_b": fingerprint(2)})
        index.remove(["rec_a", "rec_unknown"])
        assert index.recording_ids == ("rec_b",)
        index.add({"rec_a": fingerprint(3)})
        assert content(index)["rec_a"] == bytes(fingerprint(3).frames)
    with opened(folder) as index:
        assert set(content(index)) == {"rec_a", "rec_b"}


def test_merging_changes_the_files_and_not_the_content(folder: Path) -> None:
    with opened(folder, writable=True) as index:
        for i in range(9):
            index.add({f"rec_{i}": fingerprint(i, 30)})
        index.remove(["rec_3"])
        before, landmarks, n_before = content(index), kept_landmarks(index), len(index.segments)
        assert landmarks["rec_5"] == sorted(fingerprint(5, 30).landmarks.tolist())
        index.merge()
        assert content(index) == before
        assert kept_landmarks(index) == landmarks
        assert len(index.segments) < n_before
        assert len(list(folder.glob("*.segment"))) == len(index.segments)
        index.remove([f"rec_{i}" for i in range(9)])
        index.merge()
        assert (len(index), len(list(folder.glob("*.segment")))) == (0, 0)


def test_a_reader_keeps_what_it_opened(folder: Path) -> None:
    with opened(folder, writable=True) as writer:
        for i in range(4):
            writer.add({f"rec_{i}": fingerprint(i)})
        with opened(folder) as reader:
            before = content(reader)
            writer.merge()
            writer.remove(["rec_0"])
            assert content(reader) == before


def test_one_writer_at_a_time(folder: Path) -> None:
    with opened(folder, writable=True), pytest.raises(ConflictError, match="another process"):
        opened(folder, writable=True)
    opened(folder, writable=True).close()


def test_other_parameters_are_refused(folder: Path) -> None:
    with opened(folder, writable=True) as index:
        with pytest.raises(ConflictError, match="made with other"):
            index.add({"rec_a": fingerprint(1, parameter_id="other")})
        index.add({"rec_a": fingerprint(1)})
    with pytest.raises(ConflictError, match="register the catalogue again"):
        Index(folder, parameter_id="other")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: b"X" + data[1:],
        lambda data: data[:40],
        lambda _: b"",
        lambda data: data[:16] + b"{" * 32 + data[48:],
        lambda data: data.replace(b'"cells-test"', b'"cells-tesT"'),
        lambda data: data.replace(b'"shape": [2]', b'"shape": [9]'),
    ],
)
def test_a_damaged_segment_is_named(folder: Path, spoil: Callable[[bytes], bytes]) -> None:
    with opened(folder, writable=True) as index:
        index.add({"rec_a": fingerprint(1)})
    (segment,) = folder.glob("*.segment")
    segment.write_bytes(spoil(segment.read_bytes()))
    with pytest.raises(InvariantError, match=segment.name):
        opened(folder)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"parameter_id": "cells-test"}'])
def test_a_damaged_manifest_is_named(folder: Path, text: bytes) -> None:
    opened(folder, writable=True).close()
    (folder / "manifest.json").write_bytes(text)
    with pytest.raises(InvariantError, match=r"manifest\.json"):
        opened(folder)


def test_a_missing_segment_is_named(folder: Path) -> None:
    with opened(folder, writable=True) as index:
        index.add({"rec_a": fingerprint(1)})
    (segment,) = folder.glob("*.segment")
    segment.unlink()
    with pytest.raises(InvariantError, match=segment.name):
        opened(folder)


@pytest.mark.parametrize("nth", range(1, 5))
@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_state(
    folder: Path, monkeypatch: pytest.MonkeyPatch, function: str, nth: int
) -> None:
    with opened(folder, writable=True) as index:
        index.add({"rec_a": fingerprint(1)})
        before, calls = content(index), 0
        original: Callable[..., Any] = getattr(os, function)

        def failing(*arguments: Any, **options: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == nth:
                raise OSError(errno.ENOSPC, "No space left on device")
            return original(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(os, function, failing)
            try:
                index.add({"rec_b": fingerprint(2)})
            except StorageError as error:
                assert "No space left" in str(error)
    with opened(folder) as index:
        assert content(index) in (before, before | {"rec_b": bytes(fingerprint(2).frames)})
    with opened(folder, writable=True) as index:
        index.add({"rec_b": fingerprint(2)})
        assert set(content(index)) == {"rec_a", "rec_b"}
        assert len(list(folder.iterdir())) == 2 + len(index.segments)


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_kill_at_any_write_leaves_a_whole_state(folder: Path, nth: int) -> None:
    program = f"""
        import os, signal, sys
        from pathlib import Path
        import numpy as np
        from linernotes.model import CELL_FRAMES, LANDMARK_KEYS, WITNESS_BITS, Fingerprint
        from linernotes.store.index import Index
        calls = 0
        def deadly(function):
            def call(*arguments, **options):
                global calls
                calls += 1
                if calls == {nth}:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **options)
            return call
        os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
        words = np.ones((20, 2), np.uint64)
        with Index(Path(sys.argv[1]), parameter_id="{ID}", writable=True) as index:
            none = np.zeros((0, 3), np.uint32)
            index.add({{"rec_new": Fingerprint("{ID}", 1.0, words, words[::2], words, words, none, none)}})
    """
    with opened(folder, writable=True) as index:
        index.add({"rec_a": fingerprint(1)})
    subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(folder)], check=False)
    with opened(folder) as index:
        assert set(index.recording_ids) in ({"rec_a"}, {"rec_a", "rec_new"})
    with opened(folder, writable=True) as index:
        assert "rec_a" in index
        assert not list(folder.glob("*.unfinished"))
        assert len(list(folder.glob("*.segment"))) == len(index.segments)


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError, match="file"):
        opened(tmp_path / "file" / "index", writable=True)


def test_many_threads_read_one_index(folder: Path) -> None:
    with opened(folder, writable=True) as index:
        index.add({f"rec_{i}": fingerprint(i) for i in range(20)})

        def total(_: int) -> int:
            words: list[NDArray[np.uint64]] = [s.frames for s in index.segments]
            return sum(int(np.bitwise_count(w).sum()) for w in words)

        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(total, range(32)))) == 1
