"""The models that all tests of the folder look at."""

from tests.task_models import task_model  # noqa: F401  # a fixture
