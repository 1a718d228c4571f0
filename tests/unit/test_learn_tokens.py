from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linernotes.errors import FormatError
from linernotes.learn.leads import find_key, find_sections, lead_sheet
from linernotes.learn.tokens import Vocabulary, reference_pitch
from linernotes.model.scores import ChordSymbol, Key, Metre, Mode, Note, Score

VOCABULARY = Vocabulary(("folk",))


@st.composite
def sheets(draw: st.DrawFn) -> Score:
    """Draw melodies on the grid, in any metre, with rests, chords and drums."""
    metre = draw(st.sampled_from([Metre(4, 4), Metre(3, 4), Metre(6, 8)]))
    now, notes = 0, []
    for _ in range(draw(st.integers(1, 24))):
        now += draw(st.sampled_from([0, 0, 0, 240, 480]))
        length = draw(st.sampled_from([120, 240, 360, 480, 720, 960, 1920]))
        notes.append(Note(now, length, draw(st.integers(55, 80))))
        now += length
    places = st.lists(st.integers(0, now // 480), unique=True, max_size=5).map(sorted)
    qualities = st.sampled_from(["maj", "min7", "dom7"])
    chords = [ChordSymbol(480 * place, draw(st.integers(0, 11)), draw(qualities)) for place in draw(places)]
    drums = [Note(480 * place, 60, draw(st.sampled_from([36, 38, 42]))) for place in draw(places)]
    key = Key(draw(st.integers(0, 11)), draw(st.sampled_from(list(Mode))))
    sheet = Score("Drawn", tuple(notes), key, metre, tuple(chords), drums=tuple(drums))
    return replace(sheet, sections=find_sections(sheet))


@given(sheets())
def test_what_is_written_is_read_again(sheet: Score) -> None:
    assert sheet.key is not None
    tokens = VOCABULARY.encode(sheet, style="folk")
    back = VOCABULARY.decode(tokens, tonic_pitch=reference_pitch(sheet.notes, sheet.key))
    start = sheet.stop_ticks - back.stop_ticks  # a first bar that begins silent is read as a pickup
    assert [(n.start_ticks + start, n.duration_ticks) for n in back.notes] == [
        (n.start_ticks, n.duration_ticks) for n in sheet.notes
    ]
    assert [(n.pitch - m.pitch) % 12 for n, m in zip(back.notes, sheet.notes, strict=True)] == [0] * len(back.notes)
    assert [(c.root, c.quality) for c in back.chords] == [(c.root, c.quality) for c in sheet.chords]
    assert VOCABULARY.encode(back, style="folk") == tokens


@given(sheets(), st.integers(-5, 6))
def test_a_piece_has_the_same_tokens_in_every_key(sheet: Score, semitones: int) -> None:
    assert sheet.key is not None
    moved = replace(
        sheet,
        key=Key((sheet.key.tonic + semitones) % 12, sheet.key.mode),
        notes=[replace(note, pitch=note.pitch + semitones) for note in sheet.notes],
        chords=[replace(chord, root=(chord.root + semitones) % 12) for chord in sheet.chords],
    )
    assert VOCABULARY.encode(moved) == VOCABULARY.encode(sheet)


def test_the_worked_value_of_the_tokens() -> None:
    notes = [Note(480 * step, 480, pitch) for step, pitch in enumerate((60, 64, 67))]
    tokens = VOCABULARY.encode(Score("Triad", notes, Key(0), Metre(4, 4)))
    told = " ".join(VOCABULARY.names[token] for token in tokens)
    assert told == (
        "begin style:any mode:major metre:4/4 bar pitch:0 length:24 pitch:4 length:24 pitch:7 length:24 at:96 end"
    )


@pytest.mark.parametrize("pickup", [0, 60, 160, 240, 320, 600])
def test_every_start_has_a_place_in_its_bar_after_any_pickup(pickup: int) -> None:
    starts = [*range(0, 480, 60), *range(480, 960, 80), *range(960, 5 * 480, 37)]
    notes = [Note(start, stop - start, 60 + start % 5) for start, stop in pairwise(starts)]
    sheet = Score(
        "Any", notes, Key(0), Metre(3, 4), drums=[Note(start, 30, 38) for start in starts], pickup_ticks=pickup
    )
    back = VOCABULARY.decode(VOCABULARY.encode(sheet))
    assert len(back.drums) >= len(starts) // 2
    grid = [note.start_ticks + (back.pickup_ticks and 1440 - back.pickup_ticks) for note in back.notes]
    assert all(start % 60 == 0 or start % 80 == 0 for start in grid)


def test_tokens_that_are_no_piece_are_refused() -> None:
    ids = VOCABULARY.ids
    with pytest.raises(FormatError, match="pitch:0 cannot stand after begin"):
        VOCABULARY.decode([ids["begin"], ids["pitch:0"]])
    with pytest.raises(FormatError, match="jazz"):
        VOCABULARY.prefix(key=Key(0), metre=Metre(), style="jazz")


def test_a_key_is_found_with_and_without_a_signature() -> None:
    scale = [Note(480 * step, 480, pitch) for step, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]
    assert find_key(scale) == Key(0)
    dorian = [Note(480 * step, 480, pitch) for step, pitch in enumerate((62, 65, 69, 71, 69, 65, 64, 62))]
    assert find_key(dorian, signature=Key(0)) == Key(2, Mode.DORIAN)


def test_the_lead_is_the_tune_and_block_chords_are_named() -> None:
    tune = [Note(480 * step, 480, 72 + step % 3) for step in range(8)]
    blocks = [Note(1920 * bar, 1920, pitch, 1) for bar in range(2) for pitch in (48, 52, 55 + 2 * bar)]
    sheet = lead_sheet(Score("Two hands", [*tune, *blocks], Key(0), Metre(4, 4)))
    assert [note.pitch for note in sheet.notes] == [note.pitch for note in tune]
    assert [(chord.start_ticks, chord.root, chord.quality) for chord in sheet.chords] == [
        (0, 0, "maj"),
        (1920, 9, "min"),
    ][: len(sheet.chords)]


def test_alike_phrases_have_one_name() -> None:
    phrase = [(step, 60 + step * 7 % 12) for step in range(32)]
    other = [(step, 70 - step % 5) for step in range(0, 32, 2)]
    notes = [
        Note(480 * (32 * number + step), 480, pitch)
        for number, part in enumerate((phrase, phrase, other, phrase))
        for step, pitch in part
    ]
    assert [section.name for section in find_sections(Score("Form", notes, Key(0), Metre(4, 4)))] == list("AABA")
