"""The page in a real browser: it sounds, it compares, it obeys the keyboard and its own policy."""

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from linernotes.formats.report import Clips, html
from linernotes.model import Evidence, EvidenceKind, Reference, Trace, Transform, Upload

pytestmark = pytest.mark.extras  # needs a browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = "</script><img src=x onerror=document.title='broken'>"
RATE_HZ = 44_100
SPEED = 0.5
# Chromium reports places of playing sound coarsely, and the test itself takes time between two questions.
TOLERANCE_S = 0.35

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine")
    quiet = [
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=[*quiet, "--disable-sync", "--no-first-run"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "page.html"
    clips = {
        (0, 0): Clips(query=tone(440, 4.0), reference=tone(330, 4.0 * SPEED)),
        (0, 1): Clips(query=tone(550, 4.0), reference=None),
    }
    path.write_text(html([medley()], clips, generator="Linernotes"), encoding="utf-8")
    return path


@pytest.fixture
def show(browser: "Browser", report: Path) -> Iterator[Open]:
    faults: list[str] = []
    contexts = []

    def opened(*, width: int = 1280, dark: bool = False, motion: bool = True) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            reduced_motion="no-preference" if motion else "reduce",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: None if local(request.url) else faults.append(request.url))
        page.goto(report.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []  # Chromium writes each breach of the policy to the console


def local(url: str) -> bool:
    return url.startswith(("file:", "data:"))


def tone(frequency_hz: float, duration_s: float) -> bytes:
    at_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    samples = (0.3 * np.sin(2 * np.pi * frequency_hz * at_s) * 32_767).astype(np.int16)[np.newaxis]
    target = io.BytesIO()
    with av.open(target, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return target.getvalue()


def medley() -> Trace:
    wave = np.random.default_rng(1).uniform(0, 1, (2000, 2)).astype(np.float32) * np.array([-1, 1], np.float32)
    upload = Upload("in/medley.wav", "3f" * 32, duration_s=20.0, sample_rate_hz=RATE_HZ, channels=2, waveform=wave)
    evidence = [
        Evidence(
            kind=EvidenceKind.RECORDING,
            reference=Reference(title, title, "An artist with quite a long name " * 4, None, None),
            query_start_s=start_s,
            query_stop_s=start_s + 4.0,
            reference_start_s=30.0,
            reference_stop_s=30.0 + 4.0 * SPEED,
            score=30.0,
            probability=0.97,
            transform=Transform(tempo_ratio=SPEED),
            explanation="Because.",
            parameter_id="landmark-1",
        )
        for title, start_s in ((HOSTILE, 4.0), ("Unbroken" * 40, 6.0))
    ]
    return Trace(path="in/medley.wav", upload=upload, index_revision="1", evidence=evidence)


def place_s(page: "Page", side: str) -> float:
    return float(page.evaluate(f"document.querySelector('#u1e1 audio[data-side={side}]').currentTime"))


def sounding(page: "Page") -> list[str]:
    script = "[...document.querySelectorAll('audio')].filter(a => !a.paused).map(a => a.dataset.side)"
    return list(page.evaluate(script))


def wait(page: "Page", reached: Callable[[], bool]) -> None:
    # Not the browser's own waiting: that evaluates strings, which the page's policy forbids.
    for _ in range(2000):
        if reached():
            return
        page.wait_for_timeout(25)
    pytest.fail("it did not happen within a minute")


def play_for(page: "Page", side: str, least_s: float) -> None:
    wait(page, lambda: place_s(page, side) > least_s)


def switch_to(page: "Page", name: str) -> tuple[dict[str, float], dict[str, float]]:
    """Click, and tell where both sounds were just before and are just after, whatever the machine is busy with."""
    script = """button => {
        const places = () => Object.fromEntries(
            [...document.querySelectorAll('#u1e1 audio')].map(a => [a.dataset.side, a.currentTime]));
        const before = places();
        button.click();
        return [before, places()];
    }"""
    before, after = page.get_by_role("button", name=f"Switch to {name}").evaluate(script)
    return before, after


def test_a_button_plays_and_the_playhead_moves(show: Open) -> None:
    page = show()
    page.get_by_role("button", name="Play Upload 0:04.0").click()
    play_for(page, "a", 0.3)
    first = page.locator(".playhead").evaluate("head => parseFloat(head.style.left)")
    play_for(page, "a", 0.8)
    second = page.locator(".playhead").evaluate("head => parseFloat(head.style.left)")
    assert 20 < min(first, second) < max(first, second) < 40  # on a busy machine it may have begun again
    assert page.get_by_role("status").inner_text().startswith("Playing: Upload 0:04.0")
    page.get_by_role("button", name="Pause Upload").click()
    assert sounding(page) == []


def test_only_one_sound_plays(show: Open) -> None:
    page = show()
    page.get_by_role("button", name="Play Upload 0:04.0").click()
    page.get_by_role("button", name="Play Upload 0:06.0").click()
    page.get_by_role("button", name="Play Reference").click()
    play_for(page, "b", 0.1)
    assert sounding(page) == ["b"]


def test_switching_keeps_the_place_at_either_speed(show: Open) -> None:
    page = show()
    page.get_by_role("button", name="Compare").click()
    play_for(page, "a", 2.0)
    before, after = switch_to(page, "reference")
    assert sounding(page) == ["b"]
    assert after["b"] == pytest.approx(SPEED * before["a"], abs=TOLERANCE_S)
    play_for(page, "b", 0)
    before, after = switch_to(page, "upload")
    assert sounding(page) == ["a"]
    assert after["a"] == pytest.approx(before["b"] / SPEED, abs=TOLERANCE_S)


def test_sounds_loop(show: Open) -> None:
    page = show()
    page.get_by_role("button", name="Play Reference").click()
    play_for(page, "b", 0.1)
    page.evaluate("document.querySelector('#u1e1 audio[data-side=b]').currentTime = 4 * 0.5 - 0.1")
    wait(page, lambda: 0 < place_s(page, "b") < 1)
    assert sounding(page) == ["b"]


def test_keys_pause_switch_and_stop(show: Open) -> None:
    page = show(motion=False)
    page.keyboard.press("b")
    assert sounding(page) == []  # nothing was chosen yet
    page.get_by_role("button", name="Play Upload 0:04.0").click()
    play_for(page, "a", 0.2)
    page.locator("h1").click()
    page.keyboard.press("b")
    play_for(page, "b", 0.2)
    assert sounding(page) == ["b"]
    page.keyboard.press("Space")
    assert sounding(page) == []
    page.keyboard.press("Space")
    page.keyboard.press("a")
    assert sounding(page) == ["a"]
    page.keyboard.press("Escape")
    assert sounding(page) == []
    assert page.get_by_role("complementary", name="Player").is_hidden()


def test_a_stretch_leads_to_its_card(show: Open) -> None:
    page = show()
    stretch = page.locator(".stretch").nth(1)
    stretch.hover()
    assert "lit" in (page.locator("#u1e2").get_attribute("class") or "")
    stretch.press("Enter")
    assert page.evaluate("document.activeElement.id") == "u1e2"
    assert page.get_by_role("button", name="Play").count() == 3  # the second reference cannot be played


def test_hostile_text_does_not_run(show: Open) -> None:
    page = show()
    assert page.title().startswith("medley.wav")
    assert page.locator("img").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_stands_out_sideways(show: Open, width: int, *, dark: bool) -> None:
    page = show(width=width, dark=dark)
    page.get_by_role("button", name="Play Upload 0:04.0").click()
    assert page.evaluate("document.documentElement.scrollWidth") == width
