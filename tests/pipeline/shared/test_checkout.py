"""Which code this is: the checkout's commit, and in an image, which has none, the one that it was built from."""

import re
from pathlib import Path

import pytest

from pipeline.shared import checkout


@pytest.fixture
def outside(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(checkout, "__file__", str(tmp_path / "checkout.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def test_outside_a_checkout_it_is_the_images(outside, monkeypatch):
    monkeypatch.setenv("GIT_COMMIT", "abc123")
    assert checkout.git_commit() == "abc123"


@pytest.mark.parametrize("stated", [None, ""])
def test_outside_both_it_is_unknown(outside, monkeypatch, stated):
    monkeypatch.delenv("GIT_COMMIT", raising=False)
    if stated is not None:
        monkeypatch.setenv("GIT_COMMIT", stated)
    assert checkout.git_commit() == "unknown"


def test_in_a_checkout_the_environment_says_nothing(monkeypatch):
    """Build servers set this variable, and know nothing of changed files."""
    monkeypatch.setenv("GIT_COMMIT", "abc123")
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", checkout.git_commit().replace("abc123", "wrong"))
