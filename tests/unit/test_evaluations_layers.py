from pathlib import Path

from evaluations.layers import Piece, Song, judge
from linernotes.model import Match, Transform


def told(recording: str, start_s: float, stop_s: float, reference_s: float, tempo_ratio: float = 1.0) -> Match:
    return Match(
        recording_id=recording,
        query_start_s=start_s,
        query_stop_s=stop_s,
        reference_start_s=reference_s,
        reference_stop_s=reference_s + (stop_s - start_s) * tempo_ratio,
        score=10.0,
        probability=0.9,
        transform=Transform(0.0, tempo_ratio),
    )


def test_a_piece_is_found_only_at_its_place() -> None:
    piece = Piece("a", 10.0, 13.0, 40.0, 1.0)
    assert piece.found([told("a", 9.0, 13.5, 39.0)])
    assert not piece.found([told("a", 9.0, 13.5, 40.0)])  # a second beside
    assert not piece.found([told("a", 11.6, 20.0, 41.6)])  # less than half
    assert not piece.found([told("b", 9.0, 13.5, 39.0)])


def test_a_faster_piece_is_judged_at_its_middle() -> None:
    assert Piece("a", 10.0, 14.0, 40.0, 1.25).found([told("a", 8.0, 16.0, 37.5, 1.25)])


def test_pieces_recordings_and_wrong_names_are_counted() -> None:
    song = Song(Path("song.wav"), [Piece("a", 0.0, 3.0, 5.0, 1.0), Piece("b", 0.0, 2.5, 1.0, 1.0)])
    figures = judge([song], [[told("a", 0.0, 3.0, 5.0), told("c", 0.0, 3.0, 5.0)]])
    assert figures["found_3s"] == 1.0
    assert figures["found_2s"] == 0.0
    assert figures["recordings_found"] == 0.5
    assert figures["wrong_recordings"] == 1.0
