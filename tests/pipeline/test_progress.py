import io
import logging

import pytest
from rich.console import Console

from pipeline.progress import NodeProgress


@pytest.fixture
def screen():
    return io.StringIO()


@pytest.fixture
def runner_log(screen):
    logger = logging.Logger("runner", logging.INFO)
    progress = NodeProgress(Console(file=screen))
    logger.addHandler(progress)
    yield logger, progress
    progress.close()


def test_a_line_a_node_with_its_state(runner_log, screen):
    logger, progress = runner_log
    for node, cached in (("Transform", True), ("Trainer", False)):
        logger.info("Component %s is running.", node)
        logger.info("something else about %s", node)
        if cached:
            logger.info("A cached execution %d is used.", 3)
        logger.info("Component %s is finished.", node)
    logger.info("Component %s is running.", "Evaluator")
    logger.info("Component %s is running.", "RunReport")
    assert progress.failed_node == "Evaluator"
    progress.close()
    assert [line.split()[:2] for line in screen.getvalue().splitlines()] == [
        ["cached", "Transform"],
        ["done", "Trainer"],
        ["failed", "Evaluator"],
        ["failed", "RunReport"],
    ]
    assert progress.failed_node == "Evaluator"
    assert set(progress.seconds) == {"Transform", "Trainer", "Evaluator", "RunReport"}
