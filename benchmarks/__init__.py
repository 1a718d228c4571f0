"""Speed, side by side with the peers, on the same inputs in the same run: ``python -m benchmarks.NAME``."""
