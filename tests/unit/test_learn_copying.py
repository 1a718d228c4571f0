from dataclasses import replace

from linernotes.learn.copying import CopyGuard
from linernotes.learn.leads import lead_sheet
from linernotes.learn.tokens import Vocabulary
from linernotes.model.scores import Key, Note
from tests.model_samples import tune

VOCABULARY = Vocabulary()


def test_a_copied_passage_is_found_in_another_key_and_shown() -> None:
    works = {f"rec_{seed}": VOCABULARY.encode(lead_sheet(tune(seed))) for seed in range(12)}
    guard = CopyGuard(works, VOCABULARY)
    own = lead_sheet(tune(77))
    assert guard.copied(own) == []
    stolen = [replace(note, pitch=note.pitch + 4) for note in tune(3).notes]
    shift = own.stop_ticks
    mixed = [*own.notes, *(Note(note.start_ticks + shift, note.duration_ticks, note.pitch) for note in stolen)]
    first, *_ = guard.copied(replace(own, notes=mixed, key=Key(0)))
    assert "rec_3" in first.work_ids
    assert first.last_note - first.first_note + 1 == len(first.pitches) >= guard.limit
    assert guard.longest(own) <= guard.limit
