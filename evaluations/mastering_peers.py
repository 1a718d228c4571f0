"""Other programs that master, each as a process of its own: ``PYTHON mastering_peers.py NAME IN OUT ARGUMENTS``.

They are asked for in an interpreter that has them (``--peers``); nothing of them is imported here. What they are:
matchering 2 (GPL-3), pedalboard's BrickwallLimiter with pyloudnorm (GPL-3, MIT), ffmpeg's two-pass loudnorm.
"""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

__all__ = ["brickwall", "loudnorm", "matchering", "peer"]


def peer(python: Path, name: str, source: Path, out: Path, *arguments: str) -> bool:
    """Run a peer in its interpreter; False if it failed."""
    command = [str(python), str(Path(__file__)), name, str(source), str(out), *arguments]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0 and out.exists()


def loudnorm(source: Path, out: Path, lufs: float, peak_dbtp: float, *, bits: int = 24) -> bool:
    """Run ffmpeg's loudnorm twice, the second time with what the first measured."""
    asked = f"loudnorm=I={lufs}:TP={peak_dbtp}:LRA=20"
    command = ["ffmpeg", "-y", "-hide_banner", "-nostats", "-i", str(source)]
    first = subprocess.run(
        [*command, "-af", f"{asked}:print_format=json", "-f", "null", "-"], check=True, capture_output=True, text=True
    )
    told = json.loads(first.stderr[first.stderr.rindex("{") : first.stderr.rindex("}") + 1])
    names = {"I": "input_i", "LRA": "input_lra", "TP": "input_tp", "thresh": "input_thresh"}
    given = ":".join(f"measured_{name}={told[key]}" for name, key in names.items())
    filters = f"{asked}:{given}:offset={told['target_offset']}:linear=true"
    encoding = ["-ar", "44100", "-c:a", {24: "pcm_s24le", 32: "pcm_f32le"}[bits], str(out)]
    return subprocess.run([*command, "-af", filters, *encoding], check=False, capture_output=True).returncode == 0


def matchering(source: str, out: str, reference: str) -> None:
    """Match a reference."""
    program: Any = importlib.import_module("matchering")
    program.process(target=source, reference=reference, results=[program.pcm24(out)])


def brickwall(source: str, out: str, lufs: str, peak_dbtp: str, bits: str = "24") -> None:
    """Bring to a loudness by three rounds of gain before a true-peak limiter."""
    soundfile: Any = importlib.import_module("soundfile")
    meters: Any = importlib.import_module("pyloudnorm")
    board: Any = importlib.import_module("pedalboard")
    samples, rate_hz = soundfile.read(source, dtype="float32", always_2d=True)
    meter, target, gain_db = meters.Meter(rate_hz), float(lufs), 0.0
    for _ in range(3):
        limiter = board.BrickwallLimiter(ceiling_db=float(peak_dbtp), true_peak=True)
        chain = board.Pedalboard([board.Gain(gain_db + target - meter.integrated_loudness(samples)), limiter])
        limited = chain(samples, rate_hz)
        gain_db += target - meter.integrated_loudness(limited)
    soundfile.write(out, limited, rate_hz, subtype={"24": "PCM_24", "32": "FLOAT"}[bits])


if __name__ == "__main__":
    (matchering if sys.argv[1] == "matchering" else brickwall)(*sys.argv[2:])
