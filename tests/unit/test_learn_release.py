from dataclasses import replace
from pathlib import Path

import pytest

from linernotes.errors import ConflictError, FormatError, NotFoundError
from linernotes.learn import signing
from linernotes.learn.manifest import Given, Manifest, ManifestWork, content_sha256, read_manifest, write_manifest
from linernotes.learn.release import audit, open_manifest, read_file, read_tokens, write_release, write_tokens
from linernotes.learn.tokens import Vocabulary

VOCABULARY = Vocabulary()
PIECES = [[1, 4, 5, 9, 3, 210, 130, 2], [1, 4, 5, 9, 3, 214, 131, 2]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    given = Given("pty_ada", "Ada", "rec_1", "1", "allow", None, "pol_1")
    works = tuple(
        ManifestWork(f"rec_{n}", None, "T", "t.mid", "any", "0" * 64, content_sha256(p, VOCABULARY), 4, (given,))
        for n, p in enumerate(PIECES)
    )
    manifest = Manifest("mdl_1", "Hearth", "pty_ember", "2026-11-22", (), works, settings={"seed": 0})
    key = signing.open_key(tmp_path / "signing.key")
    files = {"weights.npz": b"weights", "tokens.npz": write_tokens(PIECES)}
    written = write_release(tmp_path / "release", manifest, files, private_key=key)
    assert read_manifest(write_manifest(written), where="x") == written
    assert open_manifest(tmp_path / "release") == written
    return tmp_path / "release"


def test_a_release_as_it_was_signed_has_no_faults(folder: Path) -> None:
    done = audit(folder)
    assert list(done.faults) == []
    assert list(audit(folder, public_key=done.public_key).faults) == []
    assert (folder.parent / "signing.key").stat().st_mode & 0o077 == 0
    assert read_tokens((folder / "tokens.npz").read_bytes(), where="x") == PIECES


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("weights.npz", "weights.npz: not what was signed"),
        ("tokens.npz", "tokens.npz: not what was signed"),
        ("manifest.json", "not of this content"),
        ("signature.json", "signature"),
    ],
)
def test_whatever_is_changed_is_found(folder: Path, name: str, said: str) -> None:
    data = (folder / name).read_bytes()
    place = len(data) // 2 if name != "manifest.json" else data.index(b"Hearth")
    (folder / name).write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    assert any(said in fault for fault in audit(folder).faults)


def test_weights_that_were_tampered_with_are_not_read(folder: Path) -> None:
    manifest = open_manifest(folder)
    assert read_file(folder, manifest, "weights.npz") == b"weights"
    (folder / "weights.npz").write_bytes(b"others")
    with pytest.raises(ConflictError, match="not what was signed"):
        read_file(folder, manifest, "weights.npz")


def test_another_key_or_a_work_of_other_content_is_found(folder: Path, tmp_path: Path) -> None:
    assert any("not by 00" in fault for fault in audit(folder, public_key="00" * 32).faults)
    manifest = open_manifest(folder)
    works = (replace(manifest.works[0], content_sha256="0" * 64), replace(manifest.works[1], consents=()))
    key = signing.open_key(tmp_path / "signing.key")
    files = {name: (folder / name).read_bytes() for name in manifest.files}
    write_release(tmp_path / "other", replace(manifest, works=works), files, private_key=key)
    faults = audit(tmp_path / "other").faults
    assert any("not its content" in fault for fault in faults)
    assert any("nobody's consent" in fault for fault in faults)


def test_what_is_no_release_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        audit(tmp_path / "nowhere")
    (folder / "manifest.json").write_text('{"works": 3}', encoding="utf-8")
    with pytest.raises(FormatError, match="not a manifest"):
        audit(folder)
    with pytest.raises(ConflictError, match="already"):
        write_release(folder, Manifest("m", "H", "p", "2026-11-22", (), ()), {}, private_key=b"\1" * 32)
