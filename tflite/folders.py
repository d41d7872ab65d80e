"""Find a problem's published versions for phones, unless the command line names another folder."""

from pathlib import Path

from components.shared import problem_folder


def published(problem: Path) -> Path:
    """Return the folder of a problem's versions for phones. Raises BadConfig, as `problem_folder.model_name`."""
    return problem_folder.root(problem) / "mobile" / problem_folder.model_name(problem)
