"""A stand-in for releases of libraries that have dropped names, and for a checkout without components/columnar.

In this process with `hide`, in others by `for_python`. The libraries' own code still finds the names: it looks them up in the
module's dictionary, and not on the module.
"""

import importlib
import importlib.machinery
import os
from importlib.abc import MetaPathFinder
from pathlib import Path
from types import ModuleType

TFMA = "tensorflow_model_analysis.metrics"
DROPPED = {  # what components/columnar/evaluator imports
    f"{TFMA}.binary_confusion_matrices": ("_EPSILON", "_interpolated_thresholds"),
    f"{TFMA}.calibration": ("_WeightedLabelsPredictionsExamplesCombiner",),
    f"{TFMA}.calibration_histogram": ("_CalibrationHistogramCombiner",),
    f"{TFMA}.cross_entropy_metrics": ("_BinaryCrossEntropyCombiner",),
    f"{TFMA}.example_count": ("_ExampleCountCombiner",),
    f"{TFMA}.mean_regression_error": ("_MeanAbsoluteErrorCombiner",),
    f"{TFMA}.multi_class_confusion_matrix_metrics": ("_MultiClassConfusionMatrixCombiner",),
    f"{TFMA}.squared_pearson_correlation": ("_SquaredPearsonCorrelationCombiner",),
    f"{TFMA}.tf_metric_wrapper": ("_CompilableMetricsCombiner",),
}


class _Without(ModuleType):
    """A module that does not have the names in `__gone__`."""

    def __getattribute__(self, name: str):
        if not name.startswith("__") and name in super().__getattribute__("__dict__").get("__gone__", ()):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}", name=name, obj=self)
        return super().__getattribute__(name)

    def __reduce__(self):  # Beam pickles functions with the modules that they use
        return importlib.import_module, (self.__name__,)


def hide(module: ModuleType, *names: str) -> None:
    """Take names away from whoever imports them from a module."""
    module.__dict__["__gone__"] = names
    module.__class__ = _Without


class Newer(MetaPathFinder):
    """Has libraries without `DROPPED`, and fails every import of the project's package `refused`."""

    def __init__(self, refused: str = ""):
        self._refused = refused

    def find_spec(self, name, path=None, target=None):
        if self._refused and name.startswith(self._refused):
            raise ImportError(f"{name} was imported", name=name)
        spec = importlib.machinery.PathFinder.find_spec(name, path) if name in DROPPED else None
        if spec:
            execute = spec.loader.exec_module
            spec.loader.exec_module = lambda module: (execute(module), hide(module, *DROPPED[name]))
        return spec


def for_python(folder: Path, refused: str = "") -> str:
    """Write what makes each Python so that has the answer, a PYTHONPATH, in its environment."""
    finder = f"newer_release.Newer({refused!r})"
    (folder / "sitecustomize.py").write_text(
        f"import sys\n\nfrom tests import newer_release\n\nsys.meta_path.insert(0, {finder})\n"
    )
    return os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
