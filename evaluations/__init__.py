"""Accuracy on truth sets, with error bars: ``python -m evaluations.NAME --data DIR``."""
