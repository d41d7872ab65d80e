"""Prediction problems, a folder each, and the one that commands take unless `--problem` names another."""

from pathlib import Path

DEFAULT_PROBLEM = Path(__file__).parent / "flights"
