"""Generate: pieces from a release, each with its credits, and a recording whose usage pays whom it was learned from.

Conventions
-----------
Of each piece four files are written: ``.mid``, ``.musicxml``, ``.wav``, ``.credits.json``. What copies a rare passage
of a work of the training set is never written: it is told, with the passage, and drawn again a few times. ``pool`` is
the part of all that an output earns that its sources share; of it, ``w`` goes by attribution and the rest equally to
all works of the set; what is left belongs to the party that answers for the release.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from linernotes import audio
from linernotes.errors import ConflictError, NotFoundError, ParameterError
from linernotes.formats.midi import write_midi
from linernotes.formats.musicxml_print import write_musicxml
from linernotes.formats.scores import read_score
from linernotes.journeys import outputs, releases
from linernotes.journeys.attribute import Asked
from linernotes.journeys.releases import Withdrawn
from linernotes.journeys.sources import Sources
from linernotes.learn.copying import Copied, CopyGuard
from linernotes.learn.leads import find_sections, lead_sheet
from linernotes.learn.progress import Progress
from linernotes.learn.release import open_manifest, read_file
from linernotes.learn.tokens import ANY_STYLE, METRES, Vocabulary, reference_pitch
from linernotes.model import Problem
from linernotes.model.scores import Key, Metre, Mode, Note, Score
from linernotes.render.performance import perform_score
from linernotes.rights.attribution import PPM
from linernotes.workspace import Workspace

if TYPE_CHECKING:
    from linernotes.learn.transformer import Transformer

__all__ = ["Generated", "Output", "Request", "Stopped", "generate", "key_of", "metre_of"]

SAMPLE_RATE_HZ = 44_100
_ATTEMPTS, _NEXT_DRAFT = 4, 7919
_LOWEST_TONIC = 55
_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted of a release. ``like``: a score, or a work of the release by title or ISRC, whose form is taken.

    ``going_on``: a score that is continued by ``n_bars``, or, with ``infill``, has those bars written anew (from 0,
    half-open).
    """

    style: str = ANY_STYLE
    key: Key | None = None
    metre: Metre | None = None
    n_bars: int = 16
    tempo_bpm: float = 100.0
    like: str | None = None
    going_on: Path | None = None
    infill: tuple[int, int] | None = None
    n_variations: int = 1
    seed: int = 0
    temperature: float = 0.95
    band: str = "indie folk"
    title: str = "Untitled"


@dataclass(frozen=True, slots=True)
class Output:
    """One piece: its files by their endings, the recording it is in the catalogue, and who is owed which part."""

    title: str
    files: Mapping[str, Path]
    recording_id: str | None
    owners_ppm: Mapping[str, int]
    credits: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A draft that copied: of which piece, which passage, and the titles of the works that have it."""

    title: str
    passage: Copied
    works: Sequence[str]


@dataclass(slots=True)
class Generated:
    """What a request came to: pieces, what was stopped because it copies, withdrawn consents, problems."""

    outputs: list[Output] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    withdrawn: list[Withdrawn] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def generate(
    workspace: Workspace,
    release: str,
    out: Path,
    request: Request,
    *,
    at: datetime,
    pool: Fraction = Fraction(1, 2),
    informativeness: Fraction | None = None,
    isrc: str | None = None,
    is_registered: bool = True,
    progress: Progress | None = None,
) -> Generated:
    """Make pieces and write them into ``out``; they are entered in the catalogue unless ``is_registered`` is False.

    ``isrc`` is that of the first piece; the next ones have the next numbers. ``informativeness``: w, from 0 to 1; None
    is what was measured. ``progress`` hears pieces.

    Raises
    ------
    UnavailableError without PyTorch; NotFoundError for a release that is not here; ConflictError if it was tampered
    with; FormatError, ParameterError for a request that cannot be met
    """
    releases.need_torch()
    from linernotes.learn.training import read_weights  # noqa: PLC0415 - PyTorch is an extra

    if not 0 <= pool <= 1 or not 0 <= (informativeness or 0) <= 1:
        raise ParameterError(f"pool {pool}, informativeness {informativeness}: parts from 0 to 1")
    if request.going_on and (request.like or request.key or request.metre):
        raise ParameterError("--continue keeps the score's own form, key and metre: leave out --like, --key, --metre")
    codes = [outputs.isrc_after(isrc, number) if isrc else None for number in range(request.n_variations)]
    known = releases.find_release(workspace, release)
    folder = releases.release_folder(workspace, known.id)
    manifest = open_manifest(folder)
    model = read_weights(read_file(folder, manifest, "weights.npz"), where=str(folder / "weights.npz"))
    sources = Sources(folder, manifest)
    w_ppm = sources.informativeness_ppm if informativeness is None else round(informativeness * PPM)
    asked = Asked(sources)
    vocabulary, guard = asked.vocabulary, asked.guard
    titles = {work.reference_id: work.title for work in manifest.works}
    done = Generated(withdrawn=releases.withdrawn(workspace, folder, manifest, on=at.date()))
    out.mkdir(parents=True, exist_ok=True)
    for number, code in enumerate(codes):
        if progress is not None:
            progress(number, len(codes))
        title = request.title if request.n_variations == 1 else f"{request.title} {number + 1}"
        draw = partial(_draw, model, vocabulary, sources, replace(request, seed=request.seed + number))
        made = _allowed(draw, (vocabulary, guard, titles), replace(request, title=title), done)
        if made is None:
            continue
        score, tokens = made
        share = outputs.divided(sources, tokens, pool=pool, informativeness_ppm=w_ppm, maker=known.party_id)
        told = outputs.credits_of(manifest, share, score, at=at, seed=request.seed + number, withdrawn=done.withdrawn)
        files = _write(out, score, told, band=request.band, seed=request.seed + number)
        recording_id = None
        if is_registered:
            recording_id = outputs.register(workspace, files[".wav"], manifest, share, title=title, isrc=code)
        told["recording_id"], told["isrc"] = recording_id, code
        files[".credits.json"].write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
        if is_registered:
            outputs.keep(folder, told, asked.about(score, tokens, path=""))
        done.outputs.append(Output(title, files, recording_id, share.owners_ppm, told))
    return done


def key_of(text: str) -> Key:
    """Read a key such as ``D minor``, ``Bb``, ``F# dorian``; ParameterError where it is none."""
    name, _, mode = text.strip().partition(" ")
    known = {each.value: each for each in Mode}
    if name[:1].upper() not in _TONICS or set(name[1:]) - set("#b") or (mode.strip() or "major") not in known:
        raise ParameterError(f"key {text!r}: a note and one of {', '.join(known)}, such as D minor")
    tonic = _TONICS[name[0].upper()] + name.count("#") - name[1:].count("b")
    return Key(tonic % 12, known[mode.strip() or "major"])


def metre_of(text: str) -> Metre:
    """Read a metre such as ``6/8``; ParameterError where it is none that can be written."""
    found = next((metre for metre in METRES if str(metre) == text.strip()), None)
    if found is None:
        raise ParameterError(f"metre {text!r}: one of {', '.join(map(str, METRES))}")
    return found


# ── one piece ────────────────────────────────────────────────────────────────


def _allowed(
    draw: Callable[[int], tuple[list[int], int]],
    known: tuple[Vocabulary, CopyGuard, Mapping[str, str]],
    request: Request,
    done: Generated,
) -> tuple[Score, list[int]] | None:
    """Draw until a piece copies nothing; None where none of a few does, and each that was stopped is told."""
    title, (vocabulary, guard, titles) = request.title, known
    for attempt in range(_ATTEMPTS):
        tokens, tonic_pitch = draw(attempt)
        score = vocabulary.decode(tokens, tonic_pitch=tonic_pitch, title=title, tempo_bpm=request.tempo_bpm)
        copied = guard.copied(score)
        if not copied:
            return score, tokens
        done.stopped.append(Stopped(title, copied[0], [titles[work_id] for work_id in copied[0].work_ids]))
    done.problems.append(Problem("copied", f"{title}: every draft copied a passage; none was written", title))
    return None


def _draw(
    model: "Transformer", vocabulary: Vocabulary, sources: Sources, request: Request, attempt: int
) -> tuple[list[int], int]:
    """Draw the tokens of a piece, another at each attempt; also returns the tonic that its pitches count from."""
    from linernotes.learn import generator  # noqa: PLC0415 - PyTorch is an extra

    sampling = generator.Sampling(request.temperature, seed=request.seed + _NEXT_DRAFT * attempt)
    if request.going_on is not None:
        sheet = lead_sheet(read_score(request.going_on))
        key = sheet.key or Key(0)
        tonic_pitch = reference_pitch(sheet.notes, key)
        if request.infill is None:
            opening = vocabulary.encode(sheet, style=request.style)
            return generator.continued(model, vocabulary, opening, request.n_bars, sampling), tonic_pitch
        piece = vocabulary.encode(_cut_at(sheet, request.infill), style=request.style)
        return generator.infilled(model, vocabulary, piece, request.infill, sampling), tonic_pitch
    form = _form(request.like, sources, vocabulary) if request.like else None
    key = request.key or (form.key if form else None) or Key(0)
    metre = request.metre or (form.metre if form else None) or Metre()
    n_bars = request.n_bars
    sections: tuple[tuple[int, str], ...] = ()
    if form is not None:
        n_bars, sections = _proportions(form)
    plan = generator.Plan(key, metre, request.style, n_bars, sections)
    return generator.generate(model, vocabulary, plan, sampling), _LOWEST_TONIC + (key.tonic - _LOWEST_TONIC) % 12


def _form(like: str, sources: Sources, vocabulary: Vocabulary) -> Score:
    """Find the song whose form is wanted: a score file, or a work of the release; NotFoundError where it is neither."""
    if Path(like).is_file():
        return lead_sheet(read_score(Path(like)))
    for work in sources.manifest.works:
        if like.casefold() in (work.reference_id, (work.isrc or "").casefold(), work.title.casefold()):
            return vocabulary.decode(sources.pieces[work.reference_id])
    raise NotFoundError(f"--like {like!r}: neither a score file nor a work of this release; see linernotes model show")


def _proportions(form: Score) -> tuple[int, tuple[tuple[int, str], ...]]:
    """Return how many bars a form has, and at which its sections begin, with letters in order of appearance."""
    bar = (form.metre or Metre()).bar_ticks
    offset = bar - form.pickup_ticks if form.pickup_ticks else 0
    letters: dict[str, str] = {}
    sections: dict[int, str] = {}
    for section in form.sections or find_sections(form):
        letter = letters.setdefault(section.name, "ABCDEFGH"[min(len(letters), 7)])
        sections.setdefault((section.start_ticks + offset) // bar, letter)
    return -(-(form.stop_ticks + offset) // bar), tuple(sections.items())


def _cut_at(sheet: Score, bars: tuple[int, int]) -> Score:
    """Cut the notes that sound over the lines of the bars that are written anew."""
    bar = (sheet.metre or Metre()).bar_ticks
    offset = bar - sheet.pickup_ticks if sheet.pickup_ticks else 0
    lines = [number * bar - offset for number in bars]
    notes: list[Note] = []
    for note in sheet.notes:
        stop = min([line for line in lines if note.start_ticks < line] + [note.stop_ticks])
        notes.append(replace(note, duration_ticks=min(stop, note.stop_ticks) - note.start_ticks))
    return replace(sheet, notes=tuple(notes))


def _write(out: Path, score: Score, told: Mapping[str, Any], *, band: str, seed: int) -> dict[str, Path]:
    """Write a piece as MIDI, MusicXML and sound; ConflictError rather than over a file that is there."""
    stem = "".join(letter if letter.isalnum() or letter in " -_" else "_" for letter in score.title).strip() or "piece"
    files = {ending: out / f"{stem}{ending}" for ending in (".mid", ".musicxml", ".wav", ".credits.json")}
    if there := [str(path) for path in files.values() if path.exists()]:
        raise ConflictError(f"{there[0]} is there already; give another --title or --out", code="output")
    sound = perform_score(score, band=band, seed=seed, sample_rate_hz=SAMPLE_RATE_HZ)
    sentence = f"Made with {told['release']}, release {told['release_id']}; contains AI: all"
    marked = replace(score, remarks=(("copyright", sentence), *score.remarks))
    files[".mid"].write_bytes(write_midi(marked))
    files[".musicxml"].write_bytes(write_musicxml(marked))
    audio.write(files[".wav"], sound, sample_rate_hz=SAMPLE_RATE_HZ)
    return files
