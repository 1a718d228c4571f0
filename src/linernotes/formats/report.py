"""The liner notes as one page to look at and to listen to.

The page is a pure function of records and of sounds already encoded: no clock, no disk, no network; the same
input gives the same text. It needs nothing beside itself, and its content security policy names its one style
sheet and its one script by their hashes, so that no title and no file name can ever run.

Conventions
-----------
A reference has a number, in order of appearance, and one of eight colours. Where it is heard more than once
in an upload, a letter tells its stretches apart (1a, 1b). Ids count from 1: ``u2e3`` is card 3 of upload 2.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from linernotes.formats import authorship, timeline, wording
from linernotes.formats.sealed import data_uri, sealed, source
from linernotes.model import Credit, Evidence, EvidenceKind, Problem, Trace, Upload

__all__ = ["Clips", "Notes", "Section", "html", "notes", "script", "style", "template"]

_COLOURS = 8
_MOST_COLUMNS = 1200
_ROW_REM = 2.15  # a stretch is 1.75rem high


@dataclass(frozen=True, slots=True)
class Clips:
    """What can be played for one piece of evidence: the same stretch of both sounds, encoded, or the address of it.

    ``query`` and ``reference`` are None where a sound is no longer at hand. ``span_s`` is the part of the
    upload they hold, ``(start_s, stop_s)``; None means the whole stretch of the evidence. ``restored``: what was done
    to the reference is undone in ``query``, so that both run at the reference's speed and pitch.
    """

    query: bytes | str | None
    reference: bytes | str | None
    media_type: str = "audio/mpeg"
    span_s: tuple[float, float] | None = None
    restored: bool = False


@dataclass(frozen=True, slots=True)
class _Fact:
    label: str
    text: str
    whole: str | None = None


@dataclass(frozen=True, slots=True)
class _Sound:
    side: str
    name: str
    place: str
    source: str | None
    absence: str


@dataclass(frozen=True, slots=True)
class _Card:
    id: str
    kind: EvidenceKind
    number: str
    colour: int
    title: str
    artist: str
    ids: Sequence[tuple[str, str]]
    query: str
    facts: Sequence[_Fact]
    explanation: str
    start_s: float
    stop_s: float
    ratios: tuple[float, float]
    sounds: Sequence[_Sound]
    left: float
    width: float

    @property
    def comparable(self) -> bool:
        return len([sound for sound in self.sounds if sound.source]) == 2


@dataclass(frozen=True, slots=True)
class _Band:
    colour: int
    left: float
    width: float
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class _Picture:
    width: int
    outline: str
    bands: Sequence[_Band]
    ticks: Sequence[timeline.Tick]


@dataclass(frozen=True, slots=True)
class _Lane:
    id: str
    title: str
    cards: Sequence[_Card]
    rows: Sequence[int]


@dataclass(frozen=True, slots=True)
class Section:
    """The liner notes of one upload, ready for the page."""

    id: str
    name: str
    verdict: str
    length: str | None
    duration_s: float
    facts: Sequence[_Fact]
    picture: _Picture | None
    maker: authorship.Panel | None
    lanes: Sequence[_Lane]
    cards: Sequence[_Card]
    playable: bool
    credits: Sequence[Credit]
    problems: Sequence[Problem]


@dataclass(frozen=True, slots=True)
class Notes:
    """What a page of liner notes shows. ``places``: the rules of style that put its stretches where they belong."""

    title: str
    verdict: str
    sections: Sequence[Section]
    places: str
    parameters: Sequence[str]
    revisions: Sequence[str]


def notes(traces: Sequence[Trace], clips: Mapping[tuple[int, int], Clips]) -> Notes:
    """Say what a page shows of these traces; ``clips`` as :func:`html` takes them."""
    names = _names([trace.path for trace in traces])
    sections = [
        _section(index, name, trace, clips) for index, (name, trace) in enumerate(zip(names, traces, strict=True))
    ]
    return Notes(
        title=f"{names[0]} \N{EN DASH} liner notes" if len(names) == 1 else "Liner notes",
        verdict=wording.summary(traces),
        sections=sections,
        # Style attributes would need a looser policy, so that even positions are rules of a sheet.
        places="".join(_rules(sections)),
        parameters=sorted(
            {each.parameter_id for trace in traces for each in trace.evidence}
            | {trace.synthetic.model_id for trace in traces if trace.synthetic}
        ),
        revisions=sorted({trace.index_revision for trace in traces if trace.index_revision}),
    )


def html(traces: Sequence[Trace], clips: Mapping[tuple[int, int], Clips], *, generator: str) -> str:
    """Write the liner notes of one upload, or of several, as one page.

    ``clips`` are found by (index of the trace, index of its evidence); where one is absent the page says so.
    """
    shown = notes(traces, clips)
    return sealed(
        "report.html",
        style=style() + shown.places,
        script=script(),
        title=shown.title,
        verdict=shown.verdict,
        sections=shown.sections,
        parameters=shown.parameters,
        revisions=shown.revisions,
        generator=generator,
    )


def style() -> str:
    """Return the sheet that every page of the house is set in: its colours and type, and what liner notes need."""
    return source("report.css")


def script() -> str:
    """Return the player: one sound at a time, A/B, loops, keys."""
    return source("report.js")


def _section(index: int, name: str, trace: Trace, clips: Mapping[tuple[int, int], Clips]) -> Section:
    upload = trace.upload
    section_id = f"u{index + 1}"
    found = {each: clips.get((index, each)) for each in range(len(trace.evidence))}
    cards = _cards(section_id, upload.duration_s if upload else 0.0, trace.evidence, found)
    return Section(
        id=section_id,
        name=name,
        verdict=wording.verdict(trace),
        length=wording.clock(upload.duration_s) if upload else None,
        duration_s=upload.duration_s if upload else 0.0,
        facts=_upload_facts(upload, trace.evidence) if upload else [],
        picture=_picture(upload, trace.evidence) if upload else None,
        maker=authorship.panel(trace.synthetic, duration_s=upload.duration_s) if upload and trace.synthetic else None,
        lanes=_lanes(section_id, cards),
        cards=cards,
        playable=any(found.values()),
        credits=trace.credits,
        problems=trace.problems,
    )


def _upload_facts(upload: Upload, evidence: Sequence[Evidence]) -> list[_Fact]:
    facts = [
        _Fact("Length", wording.clock(upload.duration_s)),
        _Fact("Sound", f"{wording.sample_rate(upload.sample_rate_hz)}, {wording.channel_count(upload.channels)}"),
    ]
    if evidence:
        heard_s = timeline.covered([_inside(each, upload) for each in evidence])
        percent = round(100 * heard_s / upload.duration_s) if upload.duration_s > 0 else 100
        recognised = f"{wording.clock(heard_s)} ({percent}\N{NO-BREAK SPACE}%)"
        facts += [
            _Fact("References", str(len({each.reference.id for each in evidence}))),
            _Fact("Stretches", str(len(evidence))),
            _Fact("Recognised", recognised),
        ]
    return [*facts, _Fact("SHA-256", f"{upload.sha256[:12]}…", whole=upload.sha256)]


def _picture(upload: Upload, evidence: Sequence[Evidence]) -> _Picture:
    shape = timeline.columns(upload.waveform, most=_MOST_COLUMNS)
    order = _order(evidence)
    colours = _colours(evidence)
    found = timeline.bands([_inside(evidence[each], upload) for each in order])
    per_s = 100 / upload.duration_s if upload.duration_s > 0 else 0.0
    return _Picture(
        width=max(len(shape), 1),
        outline=timeline.outline(shape),
        bands=[
            _Band(
                colour=colours[evidence[order[band.index]].reference.id],
                left=round(band.start * per_s, 3),
                width=round((band.stop - band.start) * per_s, 3),
                top=round(band.top / 2, 3),
                height=round(band.height / 2, 3),
            )
            for band in found
        ],
        ticks=timeline.ticks(upload.duration_s),
    )


def _inside(evidence: Evidence, upload: Upload) -> tuple[float, float]:
    """Keep a stretch within its upload: frames may reach a little past the end."""
    start_s = min(max(evidence.query_start_s, 0.0), upload.duration_s)
    return start_s, max(start_s, min(evidence.query_stop_s, upload.duration_s))


def _order(evidence: Sequence[Evidence]) -> list[int]:
    return sorted(range(len(evidence)), key=lambda i: (evidence[i].query_start_s, evidence[i].query_stop_s, i))


def _positions(evidence: Sequence[Evidence]) -> dict[str, int]:
    """Count the references from 0 as they appear in the upload."""
    appearing = dict.fromkeys(evidence[each].reference.id for each in _order(evidence))
    return {reference_id: position for position, reference_id in enumerate(appearing)}


def _colours(evidence: Sequence[Evidence]) -> dict[str, int]:
    return {reference_id: at % _COLOURS + 1 for reference_id, at in _positions(evidence).items()}


def _cards(
    section_id: str, duration_s: float, evidence: Sequence[Evidence], clips: Mapping[int, Clips | None]
) -> list[_Card]:
    positions, colours = _positions(evidence), _colours(evidence)
    stretches = Counter(each.reference.id for each in evidence)
    met: Counter[str] = Counter()
    cards = []
    for nth, index in enumerate(_order(evidence), start=1):
        each = evidence[index]
        reference = each.reference
        letter = _letters(met[reference.id]) if stretches[reference.id] > 1 else ""
        met[reference.id] += 1
        held = clips[index]
        start_s, stop_s = (held and held.span_s) or (each.query_start_s, each.query_stop_s)
        left, width = timeline.place(each.query_start_s, each.query_stop_s, whole=duration_s)
        cards.append(
            _Card(
                id=f"{section_id}e{nth}",
                kind=each.kind,
                number=f"{positions[reference.id] + 1}{letter}",
                colour=colours[reference.id],
                title=reference.title,
                artist=reference.artist,
                ids=[(name, value) for name, value in (("ISRC", reference.isrc), ("ISWC", reference.iswc)) if value],
                query=wording.span(each.query_start_s, each.query_stop_s),
                facts=_evidence_facts(each),
                explanation=each.explanation,
                start_s=round(start_s, 3),
                stop_s=round(stop_s, 3),
                ratios=(_ratio(each) if held and held.restored else 1.0, _ratio(each)),
                sounds=_sounds(each, held),
                left=left,
                width=width,
            )
        )
    return cards


def _letters(position: int) -> str:
    """Count in letters: a to z, then aa, ab and so on."""
    more, letter = divmod(position, 26)
    return (_letters(more - 1) if more else "") + chr(ord("a") + letter)


def _evidence_facts(evidence: Evidence) -> list[_Fact]:
    facts = [
        _Fact("In the upload", wording.span(evidence.query_start_s, evidence.query_stop_s)),
        _Fact("In the reference", wording.span(evidence.reference_start_s, evidence.reference_stop_s)),
        _Fact("Probability", wording.likelihood(evidence.probability)),
    ]
    changed = wording.change(evidence.transform)
    return [*facts, _Fact("In the upload it is", changed)] if changed else facts


def _ratio(evidence: Evidence) -> float:
    """Seconds of the reference that pass in one second of the upload."""
    return evidence.transform.tempo_ratio if evidence.transform else 1.0


def _sounds(evidence: Evidence, held: Clips | None) -> list[_Sound]:
    if held is None:
        return []
    query = evidence.query_start_s, evidence.query_stop_s
    reference = evidence.reference_start_s, evidence.reference_stop_s
    if held.span_s:
        query, ratio = held.span_s, _ratio(evidence)
        start_s, stop_s = (evidence.reference_start_s + (at_s - evidence.query_start_s) * ratio for at_s in query)
        reference = start_s, stop_s
    return [
        _Sound(
            side="a",
            name="Upload, change undone" if held.restored else "Upload",
            place=wording.span(*query),
            source=_source_of(held.query, held.media_type),
            absence="The upload cannot be played here: its file could not be read again.",
        ),
        _Sound(
            side="b",
            name="Reference",
            place=wording.span(*reference),
            source=_source_of(held.reference, held.media_type),
            absence="The reference cannot be played here: its file is not where it was registered.",
        ),
    ]


def _source_of(sound: bytes | str | None, media_type: str) -> str | None:
    """Return the address of a sound: itself inside the page, or where it is."""
    if not sound:
        return None
    return data_uri(sound, media_type) if isinstance(sound, bytes) else sound


def _lanes(section_id: str, cards: Sequence[_Card]) -> list[_Lane]:
    lanes = []
    for kind, (_, many) in wording.KINDS.items():
        here = [card for card in cards if card.kind is kind]
        if here:
            stacked = timeline.rows([(card.left, card.left + card.width) for card in here])
            lanes.append(_Lane(id=f"{section_id}-{kind}", title=many.capitalize(), cards=here, rows=stacked))
    return lanes


def _rules(sections: Iterable[Section]) -> Iterable[str]:
    for lane in (lane for section in sections for lane in section.lanes):
        yield f"#{lane.id}{{height:{(max(lane.rows) + 1) * _ROW_REM:.2f}rem}}\n"
        for card, row in zip(lane.cards, lane.rows, strict=True):
            yield f"#{card.id}-s{{left:{card.left}%;width:{card.width}%;top:{row * _ROW_REM:.2f}rem}}\n"


def _names(paths: Sequence[str]) -> list[str]:
    """Name files as shortly as tells them apart: without the folders that all of them share."""
    parts = [PurePath(path).parts for path in paths]
    folders = [each[:-1] for each in parts]
    shared = 0
    while folders and all(len(each) > shared and each[shared] == folders[0][shared] for each in folders):
        shared += 1
    return ["/".join(each[shared:]) if len(paths) > 1 else each[-1] for each in parts]


def template() -> str:
    """Return the page's template: a page that extends it has blocks for its head, top, headings, end and script."""
    return source("report.html")
