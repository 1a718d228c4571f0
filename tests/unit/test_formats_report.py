import base64
import hashlib
import re
from collections.abc import Sequence
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest

from linernotes.formats.report import Clips, html
from linernotes.model import (
    Credit,
    Evidence,
    EvidenceKind,
    Problem,
    Reference,
    Role,
    Trace,
    Transform,
    Upload,
)

HOSTILE = "</script></style><img src=x onerror=alert(1)>\"'&<!--{{7*7}}"
VOID = {"meta", "link", "img", "br", "rect", "path", "line"}


class Page(HTMLParser):
    """The page as a list of (tag, attributes, text directly inside), refusing tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), f"{tag} says something twice"
        element = (tag, dict(attrs), list[str]())
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, _, text in self._open:
            text.append(data)

    def all(self, tag: str, of: str | None = None) -> list[tuple[dict[str, str | None], str]]:
        """Elements of one tag, and of one class, each with its text."""
        return [
            (attributes, " ".join("".join(text).split()))
            for name, attributes, text in self.elements
            if name == tag and (of is None or of in (attributes.get("class") or "").split())
        ]


def reference(name: str, title: str = "Night Bus") -> Reference:
    return Reference(id=name, title=title, artist="The Paper Lanterns", isrc="QZABC2600001", iswc=None)


def heard(
    start_s: float = 5.0,
    stop_s: float = 10.0,
    *,
    of: Reference | None = None,
    probability: float = 0.97,
    transform: Transform | None = None,
) -> Evidence:
    return Evidence(
        kind=EvidenceKind.RECORDING,
        reference=of or reference("r1"),
        query_start_s=start_s,
        query_stop_s=stop_s,
        reference_start_s=start_s + 16.3,
        reference_stop_s=stop_s + 16.3,
        score=40.0,
        probability=probability,
        transform=transform,
        explanation="412 of 431 agree.",
        parameter_id="landmark-1",
    )


def trace(
    evidence: Sequence[Evidence] = (),
    *,
    path: str = "in/medley.wav",
    credits: Sequence[Credit] = (),  # noqa: A002 - the record's own word
    problems: Sequence[Problem] = (),
    duration_s: float = 60.0,
) -> Trace:
    sound = np.random.default_rng(1).uniform(0, 1, (3000, 2)).astype(np.float32) * np.array([-1, 1], np.float32)
    upload = Upload(
        path=path, sha256="3f" * 32, duration_s=duration_s, sample_rate_hz=44_100, channels=2, waveform=sound
    )
    return Trace(
        path=path,
        upload=upload,
        index_revision="rev-1",
        evidence=evidence,
        credits=credits,
        problems=problems,
    )


def unread(path: str = "in/letter.mp3") -> Trace:
    problem = Problem(code="decode", message="It begins with text.", where=path)
    return Trace(path=path, upload=None, index_revision="rev-1", problems=[problem])


def page(*traces: Trace, clips: dict[tuple[int, int], Clips] | None = None) -> tuple[str, Page]:
    text = html(traces, clips or {}, generator="Linernotes 0.1.0")
    return text, Page(text)


MEDLEY = [
    heard(0, 12, of=reference("r1")),
    heard(10, 20, of=reference("r2", "Salt")),
    heard(30, 40, of=reference("r3", "Harbour"), probability=0.6),
    heard(50, 58, of=reference("r1")),
]
SOUNDS = {(0, index): Clips(query=b"upload", reference=b"reference") for index in range(len(MEDLEY))}


def test_text_from_outside_stays_text() -> None:
    evil = Reference(id=HOSTILE, title=HOSTILE, artist=HOSTILE, isrc=HOSTILE, iswc=HOSTILE)
    hostile = trace(
        [heard(of=evil)],
        path=HOSTILE.replace("/", "\N{FRACTION SLASH}"),
        credits=[Credit(party=HOSTILE, role=Role.WRITER, share=Fraction(1, 3), because=HOSTILE)],
        problems=[Problem(code=HOSTILE, message=HOSTILE, where=HOSTILE)],
    )
    text, seen = page(hostile, clips={(0, 0): Clips(query=b"a", reference=b"b")})
    assert "<img" not in text
    assert len(seen.all("script")) == len(seen.all("style")) == 1
    assert seen.all("h3", "title")[0][1] == f"1 {HOSTILE}"
    names = {name for _, attributes, _ in seen.elements for name in attributes}
    assert not {name for name in names if name.startswith("on") or name == "style"}


def test_nothing_is_fetched_and_only_our_style_and_script_may_run() -> None:
    text, seen = page(trace(MEDLEY), clips=SOUNDS)
    [policy] = [meta["content"] for meta, _ in seen.all("meta") if meta.get("http-equiv")]
    assert policy is not None
    for tag in ("style", "script"):
        [inline] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"https?:|//[a-z]|@import", text)
    links = [attributes.get(name) or "" for _, attributes, _ in seen.elements for name in ("src", "href")]
    assert all(link.startswith(("#", "data:")) for link in links if link)


def test_the_same_input_gives_the_same_page() -> None:
    assert page(trace(MEDLEY), clips=SOUNDS)[0] == page(trace(MEDLEY), clips=SOUNDS)[0]


def test_every_evidence_has_its_stretch_its_card_and_its_buttons() -> None:
    _, seen = page(trace(MEDLEY), clips=SOUNDS)
    cards = [card["id"] for card, _ in seen.all("article", "card")]
    assert [stretch["href"] for stretch, _ in seen.all("a", "stretch")] == [f"#{card}" for card in cards]
    assert [badge for _, badge in seen.all("span", "badge")] == ["1a", "2", "3", "1b"]
    buttons = [label for _, label in seen.all("button", "play")]
    assert buttons[2:4] == ["Play Upload 0:10.0\N{EN DASH}0:20.0", "Play Reference 0:26.3\N{EN DASH}0:36.3"]
    assert len(buttons) == len(seen.all("audio")) == 2 * len(MEDLEY)
    assert len(seen.all("button", "switch")) == len(MEDLEY)
    sound = seen.all("audio")[1][0]["src"]
    assert sound == "data:audio/mpeg;base64," + base64.b64encode(b"reference").decode()


def test_ids_are_unique_and_labels_point_at_something() -> None:
    _, seen = page(trace(MEDLEY), trace(MEDLEY, path="in/b.wav"), unread(), clips=SOUNDS)
    ids = [attributes["id"] for _, attributes, _ in seen.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes, _ in seen.elements:
        target = attributes.get("aria-labelledby") or (attributes.get("href") or "").removeprefix("#")
        assert not target or target.startswith("data:") or target in ids


def test_overlapping_stretches_stand_in_rows_of_their_lane() -> None:
    text, _ = page(trace(MEDLEY))
    tops = dict(re.findall(r"#(u1e\d)-s\{.*top:([\d.]+)rem", text))
    assert tops == {"u1e1": "0.00", "u1e2": "2.15", "u1e3": "0.00", "u1e4": "0.00"}
    assert "#u1-recording{height:4.30rem}" in text


def test_a_missing_clip_leaves_a_reason_and_no_button() -> None:
    text, seen = page(trace([heard()]), clips={(0, 0): Clips(query=b"a", reference=None)})
    assert [label[:11] for _, label in seen.all("button", "play")] == ["Play Upload"]
    assert "its file is not where it was registered" in text
    assert not seen.all("button", "switch")


def test_a_page_without_any_sound_says_so_once() -> None:
    text, seen = page(trace(MEDLEY))
    assert not seen.all("audio")
    assert text.count("made without") == 1


def test_a_shorter_clip_names_the_part_it_plays() -> None:
    long = heard(0, 50, transform=Transform(tempo_ratio=1.1))
    _, seen = page(trace([long]), clips={(0, 0): Clips(query=b"a", reference=b"b", span_s=(10.0, 20.0))})
    labels = [label for _, label in seen.all("button", "play")]
    assert labels == ["Play Upload 0:10.0\N{EN DASH}0:20.0", "Play Reference 0:27.3\N{EN DASH}0:38.3"]
    card = seen.all("article")[0][0]
    assert (card["data-start-s"], card["data-stop-s"]) == ("10.0", "20.0")
    assert (card["data-ratio-a"], card["data-ratio-b"]) == ("1.0", "1.1")


@pytest.mark.parametrize(
    ("evidence", "sentence"),
    [
        ([], "Nothing in the catalogue was heard in this upload."),
        ([heard()], "One recording heard in this upload."),
        (MEDLEY, "Three recordings (one of them uncertain) heard in this upload."),
        ([heard(probability=0.4)], "One recording perhaps heard in this upload."),
    ],
)
def test_the_verdict_is_a_sentence(evidence: Sequence[Evidence], sentence: str) -> None:
    _, seen = page(trace(evidence))
    assert [text for _, text in seen.all("p", "verdict")] == [sentence]


def test_nothing_heard_shows_the_waveform_and_no_lists() -> None:
    _, seen = page(trace())
    assert len(seen.all("svg", "wave")) == 1
    assert not seen.all("article") + seen.all("ol") + seen.all("table")


def test_a_file_that_could_not_be_read_shows_only_its_problem() -> None:
    _, seen = page(unread())
    assert [text for _, text in seen.all("p", "verdict")] == ["This file could not be read."]
    assert [text for _, text in seen.all("li", "problem")] == ["It begins with text.decode · in/letter.mp3"]
    assert not seen.all("svg") + seen.all("article") + seen.all("dl")


def test_several_uploads_have_a_table_of_contents() -> None:
    _, seen = page(trace(MEDLEY), trace(path="in/sub/b.wav"), unread())
    assert [text for _, text in seen.all("h2", "name")] == ["medley.wav", "sub/b.wav", "letter.mp3"]
    first = "Something in the catalogue was heard in one of three uploads. One could not be read."
    assert seen.all("p", "verdict")[0][1] == first
    [(_, contents)] = seen.all("nav")
    assert "sub/b.wavNothing in the catalogue" in contents


def test_no_uploads_are_a_page_too() -> None:
    _, seen = page()
    assert [text for _, text in seen.all("p", "verdict")] == ["No uploads were given."]


def test_credits_state_exact_shares() -> None:
    credit = Credit(party="Iris", role=Role.WRITER, share=Fraction(1, 3), because="wrote Salt")
    _, seen = page(trace([heard()], credits=[credit]))
    assert [text for _, text in seen.all("td")] == ["writer", "1/3 (about 33.33 %)", "wrote Salt"]


def test_long_titles_strange_names_and_times_past_the_end_are_borne() -> None:
    odd = heard(55, 61, of=reference("r1", "Very long " * 500))
    text, _ = page(trace([odd], path="in/\udcff.wav"))
    assert text.encode("utf-8")
    assert "#u1e1-s{left:91.667%;width:8.333%" in text


def test_a_page_without_sound_is_light() -> None:
    many = [heard(start, start + 5, of=reference(str(start), "A title of usual length")) for start in range(0, 50, 5)]
    text, _ = page(trace(many))
    assert len(text.encode()) < 60_000


def luminance(colour: str) -> float:
    parts = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    linear = ((int(parts[at : at + 2], 16) / 255) for at in (0, 2, 4))
    red, green, blue = (each / 12.92 if each <= 0.04 else ((each + 0.055) / 1.055) ** 2.4 for each in linear)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(theme: int) -> None:
    blocks = re.findall(r":root \{(.*?--c8.*?)\}", page()[0], re.DOTALL)
    colour = {name: luminance(value) for name, value in re.findall(r"--(\w+): (#\w+);", blocks[theme])}
    pairs = [(f"c{n}", behind) for n in range(1, 9) for behind in ("on", "paper")]
    for front, behind in [*pairs, ("ink", "paper"), ("soft", "paper"), ("soft", "wash")]:
        darker, lighter = sorted((colour[front], colour[behind]))
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (front, behind)
