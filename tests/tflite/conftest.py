"""The models that several tests of the folder look at."""

import pytest


@pytest.fixture(scope="session", params=["multiclass", "regression"])
def task_model(request, tmp_path_factory):
    """A `TaskModel` of each task but the binary one."""
    from tests import task_models  # noqa: PLC0415  # Beam: most tests of the folder need none

    return task_models.once_made(request.param, tmp_path_factory)
