"""What a supervised run shows, kept in a text."""

import io

import pytest
from rich.console import Console


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def console(screen):
    return Console(file=screen)
