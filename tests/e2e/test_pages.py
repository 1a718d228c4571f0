"""The whole story in a real browser: upload, trace, listen, decide, dispute, run, statement; axe is content."""

import os
import shutil
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from linernotes import audio
from linernotes.journeys import signing_in
from linernotes.journeys.claim import set_policy
from linernotes.journeys.platforms import add_platform
from linernotes.journeys.register import register
from linernotes.model import AccountRole, Action, Policy, UseType
from linernotes.workspace import Workspace
from tests.model_samples import told_release

pytestmark = pytest.mark.extras  # needs a browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

PASSWORD = "correct horse battery"
HOSTILE = "<img src=x onerror=alert(1)>"
RATE_HZ = 22_050
PATIENCE_MS = 60_000
LOOKS: tuple[tuple[int, Literal["light", "dark"]], ...] = (
    *((1280, "light"), (390, "dark")),
    *((1280, "dark"), (390, "light")),
)
SHOTS = os.environ.get("LINERNOTES_SCREENSHOTS")


@dataclass(frozen=True)
class Place:
    """A server that runs, and what there is to upload."""

    url: str
    upload: Path
    other: Path
    album: Path


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, songs: list[NDArray[np.float32]]) -> Iterator[Place]:
    """Serve a catalogue of two songs, one of them under a name that would run if it could."""
    folder = tmp_path_factory.mktemp("pages")
    for name, song in (("anvil.wav", songs[0]), ("bird.wav", songs[1])):
        audio.write(folder / name, song, sample_rate_hz=RATE_HZ)
    table = folder / "catalogue.csv"
    lines = (
        "file,title,artist,label,writers",
        f"anvil.wav,Anvil {HOSTILE},Ada,Ada 1/1,Bea 1/1",
        "bird.wav,Bird,Bo,Bo 1/1,",
    )
    table.write_text("\n".join(lines), encoding="utf-8")
    upload = folder / f"{HOSTILE.replace('/', '')}.wav"
    noise = np.random.default_rng(5).standard_normal(RATE_HZ * 3).astype(np.float32) * 0.05
    audio.write(upload, np.concatenate([noise, songs[0][RATE_HZ * 2 : RATE_HZ * 13]]), sample_rate_hz=RATE_HZ)
    other = folder / "other.wav"
    audio.write(other, songs[1][RATE_HZ * 3 : RATE_HZ * 12], sample_rate_hz=RATE_HZ)
    album = folder / "album"
    album.mkdir()
    for n, level in ((2, 0.1), (10, 0.03), (1, 0.3)):
        audio.write(album / f"{n} Song.wav", songs[n % 4][: RATE_HZ * 5] * level, sample_rate_hz=RATE_HZ)
    with Workspace(folder / "workspace", writable=True) as workspace:
        register(workspace, [], metadata=table)
        tell_model(workspace)
        add_platform(workspace, "Tube", agent="agent@tube.example", regime="dmca", country="US")
        at = datetime.now(UTC)
        admin = {"role": AccountRole.ADMIN, "actor": "test", "why": "test", "at": at}
        signing_in.new_account(workspace, "admin", PASSWORD, **admin)  # type: ignore[arg-type]
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "linernotes",
        "serve",
        "--workspace",
        str(folder / "workspace"),
        "--port",
        str(port),
    ]
    with subprocess.Popen([*command, "--requests", "500"], stderr=subprocess.DEVNULL) as server:
        _wait_for(port)
        yield Place(f"http://127.0.0.1:{port}", upload, other, album)
        server.terminate()


def tell_model(workspace: Workspace) -> None:
    """Let a model of Bo's learn from Ada and from Bo."""
    pages = list(workspace.catalogue.pages())
    recordings = {found.title.split()[0]: found.id for page in pages for found in page.recordings}
    parties = {party.name: party.id for page in pages for party in page.parties.values()}
    owners = {
        recordings[title]: (parties[name], name, f"{title} {HOSTILE}")
        for title, name in (("Anvil", "Ada"), ("Bird", "Bo"))
    }
    release = told_release(workspace, owners, maker=parties["Bo"])
    for name in ("Ada", "Bea", "Bo"):
        rule = Policy("", name, UseType.TRAINING, Action.ALLOW, subject_id=release)
        set_policy(workspace, rule, by=name, why="signed", at=datetime.now(UTC))


def _wait_for(port: int) -> None:
    for _ in range(300):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the server did not come up")


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine")
    quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
    loud = ["--autoplay-policy=no-user-gesture-required"]
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=[*quiet, *loud])
        yield opened
        opened.close()


@dataclass
class Visitor:
    """Somebody in front of a browser of their own; every fault that the browser reports is kept."""

    page: "Page"
    faults: list[str]

    def go(self, path: str) -> None:
        self.page.goto(path)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_load_state()

    def main(self) -> "Locator":
        return self.page.locator("main")


Enter = Callable[..., Visitor]


@pytest.fixture
def enter(browser: "Browser", place: Place) -> Iterator[Enter]:
    visitors: list[Visitor] = []

    def entered(name: str, *, width: int = 1280, dark: bool = False, script: bool = True) -> Visitor:
        context = browser.new_context(
            base_url=place.url,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        visitor = Visitor(page, [])
        page.on("console", lambda message: visitor.faults.append(message.text))
        page.on("pageerror", lambda error: visitor.faults.append(str(error)))
        page.on("dialog", lambda dialog: visitor.faults.append(dialog.message))
        page.on("request", lambda asked: None if asked.url.startswith(place.url) else visitor.faults.append(asked.url))
        visitors.append(visitor)
        visitor.go("/sign-in")
        page.fill("#name", name)
        page.fill("#password", PASSWORD)
        visitor.press("Sign in")
        return visitor

    yield entered
    for visitor in visitors:
        visitor.page.context.close()
    assert [
        fault for visitor in visitors for fault in visitor.faults
    ] == []  # Chromium writes down each breach of the policy


def check(visitor: Visitor, name: str) -> None:
    """Let axe look at a page in both widths and themes; keep a picture where LINERNOTES_SCREENSHOTS says so."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visitor.page
    for width, theme in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=theme)
        if SHOTS:
            page.screenshot(path=str(Path(SHOTS) / f"{name}-{width}-{theme}.png"), full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than {width}"
        if (width, theme) in LOOKS[:2]:
            found: Any = axe.Axe().run(page).response["violations"]
            serious = [
                (each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")
            ]
            assert serious == [], name
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")


def test_the_whole_story(enter: Enter, place: Place) -> None:
    admin = enter("admin")
    make_accounts(admin, ("Uta", "uploader", ""), ("Ada", "rights_holder", "Ada"), ("Bo", "rights_holder", "Bo"))
    check(admin, "accounts")
    uploader = enter("Uta")
    sha256 = upload_and_read(uploader, place)
    artist = enter("Ada")
    claim = decide(artist)
    dispute(uploader, claim)
    uphold(artist, claim)
    run(admin, place, sha256)
    read_statement(artist)
    upload_without_script(enter("Uta", script=False), place)
    claimant = enter("Bo")
    notice = take_down(claimant)
    answer(uploader, notice)
    find_the_answer(claimant, notice)


def test_masters_are_made_and_a_consent_is_withdrawn(enter: Enter, place: Place) -> None:
    make_accounts(enter("admin"), ("Una", "uploader", ""), ("Ann", "rights_holder", "Ada"))
    uploader = enter("Una")
    master(uploader, place)
    master_without_script(enter("Una", script=False), place)
    withdraw(enter("Ann"))


def make_accounts(admin: Visitor, *people: tuple[str, str, str]) -> None:
    for name, role, party in people:
        admin.go("/accounts")
        admin.page.fill("#name", name)
        admin.page.fill("#password", PASSWORD)
        admin.page.select_option("#role", role)
        admin.page.fill("#party", party)
        admin.press("Make it")
        assert "The account is there." in admin.page.locator(".told").inner_text()


def upload_and_read(uploader: Visitor, place: Place) -> str:
    page = uploader.page
    assert page.url.endswith("/trace")
    check(uploader, "trace")
    page.set_input_files("#files", place.upload)
    uploader.press("Trace them")
    page.locator("#queue li", has_text="Done").wait_for()
    check(uploader, "trace-done")
    page.locator("#queue a").click()
    page.wait_for_load_state()
    assert page.locator("h1").inner_text() == place.upload.name
    assert "One recording heard in this upload." in uploader.main().inner_text()
    listen_to_all(uploader)
    left, _, width, _ = stretch(uploader)
    assert 0.15 < left < 0.35
    assert width > 0.6
    assert page.locator("#claims ~ table tbody tr").count() == 2  # Ada’s recording, Bea’s work
    compare(uploader)
    check(uploader, "notes")
    sha256 = page.locator("dd[title]").get_attribute("title")
    assert sha256 is not None
    return str(sha256)


def listen_to_all(visitor: Visitor) -> None:
    """Click into the waveform: the upload goes on from there."""
    page = visitor.page
    box = page.locator(".wave").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    sound = page.locator("audio.whole")
    wait_until(lambda: float(sound.evaluate("sound => sound.currentTime")), lambda now_s: 6.5 < now_s < 12)
    sound.evaluate("sound => sound.pause()")


def stretch(visitor: Visitor) -> tuple[float, float, float, float]:
    """Return where the stretch lies on the picture, as parts of it: left, top, width, height."""
    box = visitor.page.locator(".stretch").bounding_box()
    whole = visitor.page.locator(".wave").bounding_box()
    assert box is not None
    assert whole is not None
    return (box["x"] - whole["x"]) / whole["width"], box["y"], box["width"] / whole["width"], box["height"]


def compare(visitor: Visitor) -> None:
    """Listen to one side, go over to the other at the same place, and let it loop."""
    page = visitor.page
    page.locator('button.play[data-side="a"]').click()
    first_s = wait_until(lambda: at_s(page, "a"), lambda now_s: now_s > 0.4)
    page.locator("button.switch").click()
    wait_until(lambda: at_s(page, "b"), lambda now_s: now_s > first_s)
    assert page.locator('.card audio[data-side="a"]').evaluate("sound => sound.paused")
    # A jump to just before the end: it must land there, and go on from the start again.
    other = page.locator('.card audio[data-side="b"]')
    other.evaluate("sound => { sound.currentTime = sound.duration - 0.4; }")
    wait_until(lambda: at_s(page, "b"), lambda now_s: 0 < now_s < 3)
    assert not other.evaluate("sound => sound.paused")
    page.locator("#stop").click()


def at_s(page: "Page", side: str) -> float:
    return float(page.locator(f'.card audio[data-side="{side}"]').first.evaluate("sound => sound.currentTime"))


def wait_until(ask: Callable[[], float], enough: Callable[[float], bool]) -> float:
    """Ask until the answer is good; the pages’ own policy forbids the browser to wait in our place."""
    for _ in range(PATIENCE_MS // 100):
        if enough(answer := ask()):
            return answer
        time.sleep(0.1)
    pytest.fail(f"still {answer} after {PATIENCE_MS} ms")


def decide(artist: Visitor) -> str:
    page = artist.page
    assert page.url.endswith("/inbox")
    check(artist, "inbox")
    page.get_by_role("link", name=f"Anvil {HOSTILE}").click()
    page.wait_for_load_state()
    compare(artist)
    check(artist, "claim")
    assert page.locator("#share").is_hidden()
    page.get_by_label("Share").first.check()
    page.fill("#share", "1/4")
    page.fill("#why", "it may stay for a quarter")
    artist.press("Decide")
    assert "Decided." in page.locator(".told").inner_text()
    assert "Share 1/4 of the recording side" in artist.main().inner_text()
    return str(page.url)


def dispute(uploader: Visitor, claim: str) -> None:
    uploader.go("/inbox?tab=force")
    uploader.page.get_by_role("link", name=f"Anvil {HOSTILE}").first.click()
    uploader.page.wait_for_load_state()
    assert uploader.page.url == claim.split("?", maxsplit=1)[0]
    assert uploader.page.get_by_role("button", name="Decide", exact=True).count() == 0
    uploader.page.fill("#why-dispute", f"we have a licence {HOSTILE}")
    uploader.press("Dispute it")
    assert "Disputed." in uploader.page.locator(".told").inner_text()
    check(uploader, "disputed")


def uphold(artist: Visitor, claim: str) -> None:
    artist.go(claim.split("?", maxsplit=1)[0])
    assert f"we have a licence {HOSTILE}" in artist.main().inner_text()
    artist.page.get_by_label("Share").first.check()
    artist.page.fill("#share", "1/4")
    artist.page.fill("#why", "there is no licence")
    artist.press("Decide")
    assert "UPHELD" in artist.main().inner_text().upper()


def run(admin: Visitor, place: Place, sha256: str) -> None:
    page = admin.page
    usage = place.upload.with_name("usage.csv")
    header = "period,territory,currency,amount,quantity,upload_sha256,title,source"
    usage.write_text(f"{header}\n2026-10,DE,EUR,100.00,1000,{sha256},x,A service\nbroken,line\n", encoding="utf-8")
    admin.go("/money")
    page.get_by_text("Bring in usage").click()
    page.set_input_files("#file", usage)
    page.fill("#why", "October")
    admin.press("Bring it in")
    page.get_by_text("1 fault: what was faulty").wait_for()
    check(admin, "imported")
    admin.go("/money")
    page.get_by_text("Run royalties").click()
    page.fill("#period", "2026-10")
    page.check("#close")
    page.fill("#run-why", "the month is over")
    admin.press("Run")
    page.get_by_text("Entries booked").wait_for()
    admin.go("/money/2026-10")
    check(admin, "period")


def read_statement(artist: Visitor) -> None:
    artist.go("/money")
    check(artist, "money")
    artist.page.get_by_role("link", name="October 2026").click()
    artist.page.wait_for_load_state()
    assert "Ada is paid EUR" in artist.main().inner_text()
    check(artist, "statement")
    with artist.page.expect_download() as download:
        artist.page.get_by_role("link", name="PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
    artist.page.locator("a.why").first.click()
    artist.page.wait_for_load_state()
    assert "In 2026-10" in artist.main().inner_text()
    check(artist, "why")
    artist.go("/policies")
    check(artist, "policies")
    artist.go("/catalogue")
    check(artist, "catalogue")
    artist.page.get_by_role("link", name=f"Anvil {HOSTILE}").click()
    artist.page.wait_for_load_state()
    check(artist, "subject")


def master(uploader: Visitor, place: Place) -> None:
    """Drop an album, leave one song out, hear both sides of another, and fetch the masters."""
    page = uploader.page
    uploader.go("/masters")
    check(uploader, "masters")
    page.set_input_files("#files", sorted(place.album.iterdir()))
    assert page.locator("#queue li bdi").all_inner_texts() == ["1 Song.wav", "2 Song.wav", "10 Song.wav"]
    page.get_by_role("button", name="Leave out 2 Song.wav").click()
    page.set_input_files("#reference", place.other)
    page.fill("#loudness", "-12")
    page.fill("#peak", "3")
    page.locator("#peak").evaluate("field => { field.max = 9; }")
    uploader.press("Master them")
    page.get_by_text("peak: '3' is no number from -60 to 0").wait_for()
    uploader.faults.remove("Failed to load resource: the server responded with a status of 400 (Bad Request)")
    page.fill("#peak", "-1")
    page.get_by_label("MP3, 320").check()
    check(uploader, "masters-chosen")
    uploader.press("Master them")
    page.get_by_role("heading", name="Album").wait_for()
    compare_masters(uploader)
    check(uploader, "master")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download this master").last.click()
    assert download.value.suggested_filename == "10 Song.wav"
    assert Path(download.value.path()).read_bytes()[:4] == b"RIFF"
    with page.expect_download() as download:
        page.get_by_role("link", name="All masters").click()
    assert sorted(zipfile.ZipFile(download.value.path()).namelist()) == ["1 Song.wav", "10 Song.wav", "report.html"]
    page.get_by_text("Delete these sounds").click()
    uploader.press("Delete them")
    assert "The sounds are deleted." in page.locator(".told").inner_text()
    check(uploader, "masters-gone")


def compare_masters(visitor: Visitor) -> None:
    """Go over from before to after at the same place."""
    page = visitor.page
    page.locator('button.play[data-side="a"]').first.click()
    first_s = wait_until(lambda: at_s(page, "a"), lambda now_s: now_s > 0.4)
    page.locator("button.switch").first.click()
    wait_until(lambda: at_s(page, "b"), lambda now_s: now_s > first_s)
    page.locator("#stop").click()


def master_without_script(uploader: Visitor, place: Place) -> None:
    uploader.go("/masters")
    uploader.page.set_input_files("#files", place.album / "1 Song.wav")
    uploader.press("Master them")
    uploader.page.get_by_role("heading", name="1 Song.wav").wait_for()
    uploader.page.get_by_role("link", name="Download this master").wait_for()


def withdraw(artist: Visitor) -> None:
    """See what a model learned from oneself, and withdraw the consent."""
    page = artist.page
    artist.go("/models")
    check(artist, "models")
    page.get_by_role("link", name="Hearth").click()
    page.wait_for_load_state()
    assert "Bird" not in artist.main().inner_text()
    check(artist, "model")
    page.get_by_text("Withdraw my consent").first.click()
    page.fill("#why", "I changed my mind")
    artist.press("Withdraw my consent")
    assert "Withdrawn. Your rule stands" in page.locator(".told").inner_text()
    check(artist, "model-withdrawn")


def upload_without_script(uploader: Visitor, place: Place) -> None:
    """A form and links are enough to have something heard."""
    page = uploader.page
    page.set_input_files("#files", place.other)
    uploader.press("Trace them")
    assert "It came in" in page.locator(".told").inner_text()
    page.get_by_role("link", name="other.wav").click()  # how far it is, loaded again every few seconds
    page.get_by_role("heading", name="What was heard").wait_for()
    assert "One recording heard in this upload." in uploader.main().inner_text()


def take_down(artist: Visitor) -> str:
    page = artist.page
    page.get_by_role("link", name="Bird").click()
    page.get_by_label("Take down").check()
    page.fill("#why", "we did not agree")
    artist.press("Decide")
    page.get_by_role("link", name="Send a notice to a platform").click()
    page.wait_for_load_state()
    check(artist, "notice")
    told = {"urls": "https://tube.example/1", "explanation": "There is no licence.", "signature": "Bo", "why": "now"}
    told |= {"name": "Bo", "address": "1 Street", "phone": "+1 555 0100", "email": "bo@example.org"}
    for field, text in told.items():
        page.fill(f"#{field}", text)
    for box in page.get_by_role("checkbox").all():
        box.check()
    artist.press("Send the notice")
    assert "The notice is in the outbox" in page.locator(".told").inner_text()
    page.locator(".clocks").get_by_role("link", name="Open the notice to Tube").click()
    page.get_by_text("Note what happened").click()
    page.select_option("#what", "remove")
    page.fill("#why", "Tube wrote that it is gone")
    artist.press("Note it")
    assert "taken down" in page.locator(".clock").inner_text().lower()
    check(artist, "noticed")
    return str(page.url).split("?", maxsplit=1)[0]


def answer(uploader: Visitor, notice: str) -> None:
    """Find what was taken down in the inbox, and swear that it was a mistake."""
    page = uploader.page
    uploader.go("/inbox")
    check(uploader, "inbox-of-uploader")
    page.get_by_role("link", name="Open the notice to Tube").click()
    page.get_by_role("link", name="Answer with a counter-notice").click()
    page.wait_for_load_state()
    check(uploader, "counter")
    told = {"reason": f"It is mine {HOSTILE}", "signature": "Uta", "name": "Uta", "address": "2 Street"}
    for field, text in (told | {"phone": "+1 555 0199", "email": "uta@example.org"}).items():
        page.fill(f"#{field}", text)
    uploader.press("Send the counter-notice")
    assert page.url == f"{notice}/counter"  # the browser asks for what is not confirmed
    for box in page.get_by_role("checkbox").all():
        box.check()
    uploader.press("Send the counter-notice")
    assert "The clock runs." in page.locator(".told").inner_text()
    assert "stays down until then" in page.locator(".clock").inner_text()
    check(uploader, "countered")


def find_the_answer(artist: Visitor, notice: str) -> None:
    page = artist.page
    artist.go("/inbox")
    assert "answered with a counter-notice" in page.locator(".clocks").inner_text()
    check(artist, "inbox-answered")
    page.get_by_role("link", name="Open the notice to Tube").click()
    page.wait_for_load_state()
    assert page.url == notice
    assert HOSTILE in artist.main().inner_text()
    with page.expect_download() as download:
        page.get_by_role("link", name="The counter-notice").click()
    assert download.value.suggested_filename.endswith("-counter-notice.pdf")
    page.get_by_text("Note what happened").click()
    page.select_option("#what", "sue")
    page.fill("#why", "the court has it")
    artist.press("Note it")
    assert "A suit is told of" in artist.main().inner_text()
