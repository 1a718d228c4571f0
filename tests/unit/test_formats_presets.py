import json

import pytest

from linernotes.errors import FormatError, ParameterError
from linernotes.formats.plain_records import plain, restored
from linernotes.formats.presets import amounts_given, read_preset, read_profile, written
from linernotes.model import BAND_EDGES_HZ, LEVEL_QUANTILES, THIRD_OCTAVES_HZ, Amounts, Master, Preset, Problem, Profile

ROW = tuple(float(n) for n in range(len(LEVEL_QUANTILES)))
PROFILE = Profile(
    name="warm",
    n_sources=2,
    loudness_lufs=-11.5,
    range_lu=6.0,
    mid_db=(None, *[0.5] * (len(THIRD_OCTAVES_HZ) - 1)),
    side_db=(1.0,) * len(THIRD_OCTAVES_HZ),
    width_db=None,
    slow_db=(ROW,) * (len(BAND_EDGES_HZ) + 1),
    fast_db=(*[ROW] * len(BAND_EDGES_HZ), None),
)


def opened(name: str) -> Profile:
    assert name == "warm.json"
    return PROFILE


def test_what_is_written_is_read() -> None:
    preset = Preset(name="mine", loudness_lufs=-9.0, amounts=Amounts(tone=40.0), profile=PROFILE)
    assert read_preset(written(preset), where="mine.json", open_profile=opened) == preset
    assert read_profile(written(PROFILE), where="warm.json") == PROFILE


def test_a_preset_by_hand_may_be_short_and_name_its_profile() -> None:
    text = 'loudness_lufs = -9\nprofile = "warm.json"\n[amounts]\ntone = 25\n'
    preset = read_preset(text, where="mine.toml", open_profile=opened)
    assert (preset.loudness_lufs, preset.ceiling_dbtp, preset.amounts.tone) == (-9.0, -1.0, 25.0)
    assert preset.profile == PROFILE


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "neither JSON nor TOML"),
        ("loudness = -9", "no field 'loudness'"),
        ("loudness_lufs = 9", "loudness_lufs is 9"),
        ("loudness_lufs = nan", "loudness_lufs is nan"),
        ('loudness_lufs = "loud"', "float is expected"),
        ("ceiling_dbtp = 3", "ceiling_dbtp"),
        ("[amounts]\ntone = 101", "amount of tone"),
        ("amounts = 3", "a table of fields"),
        ("[profile]\nname = 'x'", "missing"),
    ],
)
def test_what_is_no_preset_is_told(text: str, says: str) -> None:
    with pytest.raises(FormatError, match=says):
        read_preset(text, where="mine.toml", open_profile=opened)


def test_a_profile_of_other_bands_is_refused() -> None:
    table = json.loads(written(PROFILE))
    for name, value in (("mid_db", [1.0]), ("slow_db", [[1.0]] * (len(BAND_EDGES_HZ) + 1))):
        with pytest.raises(FormatError, match=name):
            read_profile(json.dumps(table | {name: value}), where="warm.json")


def test_amounts_are_given_in_order() -> None:
    assert amounts_given(Amounts(), ["all=0", "tone=50%"]) == Amounts(50.0, 0.0, 0.0, 0.0, 0.0)
    for wrong in ("tone", "tone=x", "tone=101", "tone=-1", "bass=3", "tone=nan"):
        with pytest.raises(ParameterError, match=wrong):
            amounts_given(Amounts(), [wrong])


def test_records_survive_as_plain_values() -> None:
    master = Master("a.wav", problems=(Problem("silent", "silent", "a.wav"),))
    assert restored(Master, json.loads(json.dumps(plain(master))), where="x") == master
