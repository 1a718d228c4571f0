"""Masters over HTTP: songs in, masters out, under their own names; nothing of another's, nothing left behind."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from linernotes import audio, web
from linernotes.client import Client
from linernotes.errors import ConflictError, NotFoundError
from linernotes.formats.presets import written
from linernotes.journeys import signing_in
from linernotes.journeys.master_preset import profile_asked
from linernotes.journeys.ordering import sweep_orders
from linernotes.journeys.subscribe import subscribe
from linernotes.journeys.worker import work_once
from linernotes.model import JobKind
from linernotes.workspace import Workspace
from tests.server.conftest import Served

RATE_HZ = 22_050
HOSTILE = "<img src=x onerror=alert(1)> 01.wav"


def song(seed: int, level: float, *, duration_s: float = 1.5) -> bytes:
    """Make a beat over a chord as WAV."""
    rng = np.random.default_rng(seed)
    at_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    beat = rng.standard_normal(len(at_s)) * np.exp(-18 * (at_s % 0.5))
    sound = level * (0.2 * np.sin(2 * np.pi * 220 * at_s) + 0.3 * beat)
    return audio.encode(np.stack([sound, sound], axis=1).astype(np.float32), sample_rate_hz=RATE_HZ, suffix="wav")


def parts(*sounds: tuple[str, str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [(field, (name, content)) for field, name, content in sounds]


SONGS = parts(("file", HOSTILE, song(1, 0.2)), ("file", "02 Lanterns.wav", song(2, 0.05)))
WISHES = {"album": "true", "loudness": "-16", "amount_tone": "30"}


@dataclass
class Studio:
    """A server with pages, and an order of two songs whose masters are made."""

    served: Served
    order: str

    @property
    def workspace(self) -> Workspace:
        return self.served.workspace

    def folder(self) -> Path:
        return self.workspace.folder / "masters" / self.order


@pytest.fixture
def studio(serve: Callable[..., Served]) -> Studio:
    served = serve()
    web.join(served.app)
    with served.client("uploader") as client:
        sent = client.post("/v1/masters", files=SONGS, data=WISHES)
    assert sent.status_code == 202, sent.text
    return Studio(served, sent.json()["id"])


@pytest.fixture
def done(studio: Studio) -> Studio:
    assert work_once(studio.workspace, "w")
    return studio


def answer(studio: Studio, name: str, path: str) -> httpx.Response:
    with studio.served.client(name) as client:
        return client.get(path.replace("ORDER", studio.order))


def test_an_album_is_mastered_and_fetched_under_its_own_names(done: Studio, tmp_path: Path) -> None:
    told = answer(done, "uploader", "/v1/masters/ORDER").json()
    assert (told["state"], told["kept"], told["asked"]["amounts"]) == ("done", True, ["tone=30"])
    songs = told["made"]["songs"]
    assert [song["name"] for song in songs] == [HOSTILE, "02 Lanterns.wav"]
    assert songs[0]["after"]["integrated_lufs"] == pytest.approx(-16, abs=0.2)
    befores, afters = ([song[when]["integrated_lufs"] for song in songs] for when in ("before", "after"))
    assert afters[0] - afters[1] == pytest.approx(befores[0] - befores[1], abs=0.2)  # an album keeps its distances
    assert str(done.workspace.folder) not in json.dumps(told)

    fetched = answer(done, "uploader", "/v1/masters/ORDER/songs/2")
    assert fetched.headers["content-type"] == "audio/wav"
    assert "02%20Lanterns.wav" in fetched.headers["content-disposition"]
    assert fetched.content[:4] == b"RIFF"
    with done.served.client("uploader") as client:
        part = client.get(f"/v1/masters/{done.order}/songs/2", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")
    assert answer(done, "uploader", "/v1/masters/ORDER/songs/3").status_code == 404

    packed = zipfile.ZipFile(io.BytesIO(answer(done, "uploader", "/v1/masters/ORDER/parcel").content))
    assert packed.testzip() is None
    assert packed.namelist() == [HOSTILE, "02 Lanterns.wav", "report.html"]
    assert packed.read("02 Lanterns.wav") == fetched.content
    page = packed.read("report.html").decode()
    assert page.count("data:audio/mpeg") == 4
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page

    records = answer(done, "uploader", "/v1/masters/ORDER/records")
    assert [record["path"] for record in records.json()["items"]] == [HOSTILE, "02 Lanterns.wav"]
    assert str(done.workspace.folder) not in records.text

    levels = []
    for side in ("before", "after"):  # to compare: the same stretch, at one loudness
        heard = answer(done, "uploader", f"/v1/masters/ORDER/songs/1/excerpt?side={side}")
        (tmp_path / f"{side}.mp3").write_bytes(heard.content)
        levels.append(float(np.sqrt(np.mean(audio.read(tmp_path / f"{side}.mp3")[0] ** 2))))
    assert levels[0] == pytest.approx(levels[1], rel=0.15)


ROUTES = (
    "",
    "/songs/1",
    "/songs/1/excerpt",
    "/report",
    "/records",
    "/parcel",
)
PAGES = ("", "/songs/1", "/excerpts/1/before.mp3", "/all.zip", "/report.html")


def test_masters_are_their_makers_alone(done: Studio) -> None:
    paths = [f"/v1/masters/{done.order}{each}" for each in ROUTES] + [f"/masters/{done.order}{each}" for each in PAGES]
    statuses = {"uploader": 200, "admin": 200, "auditor": 200, "ada": 404, "another": 404}
    for name, status in statuses.items():
        with done.served.client(name) as client:
            assert {path: client.get(path).status_code for path in paths} == dict.fromkeys(paths, status), name
            listed = client.get("/v1/masters").text + client.get("/masters").text
        assert (done.order in listed) is (status == 200)
    for name, status in (("ada", 404), ("auditor", 403)):
        with done.served.client(name) as client:
            assert client.delete(f"/v1/masters/{done.order}").status_code == status
    assert done.folder().is_dir()


def test_the_page_shows_the_report_under_the_houses_policy(done: Studio) -> None:
    shown = answer(done, "uploader", "/masters/ORDER")
    assert not re.search(r'<style|<script(?! defer src=)|<img|<[^>"]*("[^"]*"[^>"]*)*\s(on\w+|style)=', shown.text)
    assert "&lt;img src=x onerror=alert(1)&gt; 01.wav" in shown.text
    assert f'src="/masters/{done.order}/excerpts/1/before.mp3"' in shown.text
    assert f'href="/masters/{done.order}/songs/2"' in shown.text
    assert "Loudness from song to song" in shown.text
    assert answer(done, "uploader", "/work/ORDER").headers["location"] == f"/masters/{done.order}"
    assert f'href="/masters/{done.order}"' in answer(done, "uploader", "/masters").text


def test_sounds_are_deleted_and_what_was_told_stays(done: Studio) -> None:
    with done.served.client("uploader") as client:
        told = client.delete(f"/v1/masters/{done.order}")
        assert (told.status_code, told.json()["kept"]) == (200, False)
        assert len(told.json()["made"]["songs"]) == 2
        for path in ROUTES[1:]:
            assert client.get(f"/v1/masters/{done.order}{path}").status_code == 404, path
        page = client.get(f"/masters/{done.order}")
    assert not done.folder().exists()
    assert "not kept any more" in page.text
    assert "02 Lanterns.wav" in page.text


def test_sounds_go_by_themselves_once_they_are_spent(studio: Studio) -> None:
    at, day = datetime.now(UTC), timedelta(days=1)
    stranded = studio.folder().with_name("job_nobody")
    stranded.mkdir()
    assert sweep_orders(studio.workspace, now=at, before=at + day) == 0  # the one waits, the other may be coming in
    with studio.served.client("uploader") as client:
        assert client.delete(f"/v1/masters/{studio.order}").status_code == 409
        assert client.get(f"/v1/masters/{studio.order}/songs/1").status_code == 409
    work_once(studio.workspace, "w")
    assert sweep_orders(studio.workspace, now=at, before=at - day) == 0
    assert sweep_orders(studio.workspace, now=at + 3 * day, before=at + day) == 2
    assert not studio.folder().exists()
    assert not stranded.exists()


def test_whoever_ordered_is_told_when_it_is_done(studio: Studio) -> None:
    account = studio.served.people["uploader"].id
    subscribe(studio.workspace, account, "https://hooks.example/", ["master.done"], at=datetime.now(UTC))
    assert work_once(studio.workspace, "w")
    (told,) = studio.workspace.jobs.page(limit=9, kinds=[JobKind.WEBHOOK])
    body = json.loads(told.payload["body"])
    assert (body["type"], body["id"], len(body["made"]["songs"])) == ("master.done", studio.order, 2)


def test_an_order_that_cannot_be_met_is_refused_and_leaves_nothing(studio: Studio) -> None:
    theirs = json.dumps({"profile": "../../../../secret.json"}).encode()
    wrong: list[tuple[Any, dict[str, str], str]] = [
        ([], {"loudness": "-9"}, "0 songs"),
        (SONGS, {"loudness": "9"}, "loudness"),
        (SONGS, {"peak": "nan"}, "peak"),
        (SONGS, {"codecs": "mp3_320,tape"}, "tape"),
        (SONGS, {"bits": "12"}, "bits"),
        (SONGS, {"bits": "32", "format": "flac"}, "FLAC"),
        (SONGS, {"amount_tone": "101"}, "amount_tone"),
        (SONGS, {"album": "perhaps"}, "album"),
        ([*SONGS, *parts(("preset", "p.json", theirs))], {}, "send that as the reference"),
        ([*SONGS, *parts(("preset", "p.json", b"[1]"))], {}, "p.json"),
        ([*SONGS, *parts(("reference", "p.json", b"{}"))], {}, "p.json"),
        ([*SONGS, *parts(("reference", "p.json", b"{}"), ("reference", "x.wav", b""))], {}, "stands alone"),
    ]
    before = sorted((studio.workspace.folder / "masters").iterdir())
    with studio.served.client("uploader") as client:
        for files, fields, says in wrong:
            refused = client.post("/v1/masters", files=files or {"x": (None, "y")}, data=fields)
            assert refused.status_code in (400, 422), (fields, refused.text)
            assert says in refused.json()["detail"], (fields, refused.text)
            assert str(studio.workspace.folder) not in refused.text
        forged = client.post("/masters", files=SONGS, data={"csrf": "0" * 64})
        assert forged.status_code == 403
    assert sorted((studio.workspace.folder / "masters").iterdir()) == before


def test_a_saved_profile_and_saved_settings_are_followed(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve()
    (tmp_path / "like.wav").write_bytes(song(4, 0.3))
    profile = profile_asked([tmp_path / "like.wav"], jobs=1)
    assert profile is not None
    saved = parts(
        ("reference", "Warm.json", written(profile).encode()), ("preset", "p.toml", b"ceiling_dbtp = -3\nname = 'p'")
    )
    with served.client("uploader") as client:
        sent = client.post("/v1/masters", files=[*SONGS[1:], *saved], data={"loudness": "-20"}).json()
        assert work_once(served.workspace, "w")
        (made,) = client.get(f"/v1/masters/{sent['id']}/records").json()["items"]
    assert made["plan"]["loudness_lufs"] == -20
    assert made["result"]["after"]["true_peaks_dbtp"][0] <= -3
    assert made["plan"]["tone_mid_db"]  # as the profile has it


def test_the_same_key_is_the_same_order(studio: Studio) -> None:
    with studio.served.client("uploader") as client:
        headers = {"Idempotency-Key": "one"}
        first, again = (client.post("/v1/masters", files=SONGS[:1], headers=headers) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    assert len(list((studio.workspace.folder / "masters").iterdir())) == 2


def test_a_broken_song_is_a_problem_and_the_others_are_mastered(serve: Callable[..., Served], tmp_path: Path) -> None:
    served = serve()
    web.join(served.app)
    account = served.people["ada"]
    scopes = ["masters:read", "masters:write", "traces:read"]
    _, token = signing_in.make_token(served.workspace, account, "t", scopes, at=datetime.now(UTC), days=1)
    for name, content in (("a.wav", song(3, 0.1)), ("b.wav", b"no sound"), ("like.wav", song(4, 0.3))):
        (tmp_path / name).write_bytes(content)
    with Client(served.url, token=token) as client:
        songs = [tmp_path / "a.wav", tmp_path / "b.wav"]
        job = client.master(songs, references=[tmp_path / "like.wav"], container="flac", bits=16, codecs=["mp3_320"])
        with pytest.raises(ConflictError):
            client.fetch_master(job.id, 1, tmp_path / "out")
        assert work_once(served.workspace, "w")
        good, bad = client.masters(job.id)["made"]["songs"]
        assert (good["problems"], bad["file"]) == ([], None)
        assert good["coded"]["mp3_320"] <= -1
        assert bad["problems"][0]["where"] == "b.wav"
        assert "b.wav" in bad["problems"][0]["message"]
        fetched = client.fetch_master(job.id, 1, tmp_path / "out")
        assert fetched.name == "a.flac"
        assert audio.read(fetched)[1].bits == 16
        with pytest.raises(NotFoundError):
            client.fetch_master(job.id, 2, tmp_path / "out")
        client.delete_masters(job.id)
        with pytest.raises(NotFoundError):
            client.fetch_master(job.id, 1, tmp_path / "out")
    with served.client("ada") as browser:
        page = browser.get(f"/masters/{job.id}").text
    assert "like" not in page
    assert "b.wav" in page


def test_a_worker_that_was_killed_is_followed_by_one_that_does_the_rest(studio: Studio) -> None:
    from linernotes.journeys.ordering import master_order  # noqa: PLC0415

    job = studio.workspace.jobs.get(studio.order)
    first = master_order(studio.workspace, job, lambda *_: None)
    masters = {path: path.stat().st_mtime_ns for path in (studio.folder() / "masters").glob("*.wav")}
    (studio.folder() / "records.json").unlink()
    assert master_order(studio.workspace, job, lambda *_: None) == first
    assert masters == {path: path.stat().st_mtime_ns for path in (studio.folder() / "masters").glob("*.wav")}
