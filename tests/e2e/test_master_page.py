"""The page of a master in a real browser: it sounds, it compares, it fits, it obeys its own policy."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from linernotes import audio
from linernotes.journeys.master import Order, master_many
from linernotes.journeys.master_page import write_master_page
from linernotes.journeys.master_preset import preset_asked

pytestmark = pytest.mark.extras  # needs a browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RATE_HZ = 44_100

Open = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=["--disable-gpu", "--no-first-run"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("masters")
    rng = np.random.default_rng(1)
    for name, level in (("one<img src=x onerror=document.title='broken'>.wav", 0.05), ("two.wav", 0.1)):
        samples = (level * rng.standard_normal((5 * RATE_HZ, 2))).astype(np.float32)
        samples[: 2 * RATE_HZ] *= 0.3
        with audio.Writer(folder / name, sample_rate_hz=RATE_HZ, channels=2) as writer:
            writer.write(samples)
    (folder / "three.wav").write_bytes(b"no sound")
    order = Order(folder / "out", preset_asked(None, album=True), codecs=("mp3_128",), album=True)
    masters = list(master_many([folder], order))
    write_master_page(masters, folder / "page.html", album=True)
    return folder / "page.html"


@pytest.fixture
def show(browser: "Browser", report: Path) -> Iterator[Open]:
    faults: list[str] = []
    contexts = []

    def opened(*, width: int = 1280, dark: bool = False) -> "Page":
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith(("file:", "data:")) else faults.append(request.url),
        )
        page.goto(report.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []  # Chromium writes each breach of the policy to the console


def sounding(page: "Page") -> list[str]:
    script = "[...document.querySelectorAll('audio')].filter(a => !a.paused).map(a => a.dataset.side)"
    return list(page.evaluate(script))


def test_before_and_after_are_compared_at_one_place(show: Open) -> None:
    page = show()
    card = page.locator("#m1e1")
    card.get_by_role("button", name="Play Before").click()
    page.wait_for_timeout(600)
    assert sounding(page) == ["a"]
    assert card.locator(".switch-to").text_content() == "Switch to after"
    page.keyboard.press("b")
    page.wait_for_timeout(300)
    assert sounding(page) == ["b"]
    assert float(card.locator("audio[data-side=b]").evaluate("audio => audio.currentTime")) > 0.4
    assert card.locator(".switch-to").text_content() == "Switch to before"
    page.keyboard.press("Escape")
    assert sounding(page) == []
    assert card.locator(".switch-to").text_content() == "Compare before and after"


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_and_shows_its_charts(show: Open, width: int, *, dark: bool) -> None:
    page = show(width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() == "Album"
    assert page.locator("h1").text_content() == "Album"
    charts = page.locator("svg.plot")
    assert charts.count() == 1 + 2 * 4
    for chart in charts.all():
        assert (chart.get_attribute("aria-label") or "")[0].isupper()
        box = chart.bounding_box()
        assert box is not None
        assert box["height"] > 100
    assert page.locator(".problem").count() == 1
    assert page.locator("#m3 .verdict").or_(page.locator("#m2 .verdict")).first.is_visible()
