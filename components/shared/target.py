"""What is predicted: the label's column, the task, and the names of the classes.

Imports no TensorFlow, and NumPy only where it is needed: its threads would be there before the runner forks.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

from components.shared.documents import Part
from components.shared.errors import BadData, shown
from components.shared.tasks import BINARY, TASKS, Task, TaskName

if TYPE_CHECKING:
    import numpy as np


# The signature of a model of classes that takes serialized tf.Examples, and answers with the label's column: as numbers of
# classes, -1 for one that is missing or unknown.
TRANSFORM_LABELS = "transform_labels"


class Target(Part):
    """The label of a problem."""

    label: str
    task_name: TaskName = BINARY.name
    classes: list[str] = []  # of a multiclass label, in the order of the model's answers

    @property
    def task(self) -> Task:
        """What kind of label it is, and of answer."""
        return TASKS[self.task_name]

    def numbers(self, labels: "np.ndarray") -> "np.ndarray":
        """Return labels, shape [rows], as numbers: of a class its place. Raises BadData for one that is not named."""
        import numpy as np  # noqa: PLC0415

        if not self.classes:
            return labels
        places = {name.encode(): place for place, name in enumerate(self.classes)}
        if unknown := sorted({label for label in labels if label not in places}):
            raise BadData(
                f"the label {self.label} is {shown(repr(unknown[0].decode()))} in a row; expected one of problem.classes: "
                f"{', '.join(self.classes)}. Name the class there, or leave the row out."
            )
        return np.array([places[label] for label in labels])

    def shares(self, feature: FeatureNameStatistics) -> dict[str, float]:
        """Return the share of each class in the labels, by its name: that of 1 is "positive". Numbers have none."""
        return SHARES[self.task_name](self, feature)


def _of_positives(_: Target, feature: FeatureNameStatistics) -> dict[str, float]:
    return {"positive": feature.num_stats.mean}


def _of_classes(target: Target, feature: FeatureNameStatistics) -> dict[str, float]:
    counted: Mapping[str, float] = {each.label: each.sample_count for each in feature.string_stats.rank_histogram.buckets}
    rows = max(1, feature.string_stats.common_stats.num_non_missing)
    return {name: counted.get(name, 0) / rows for name in target.classes}


SHARES: dict[str, Callable[[Target, FeatureNameStatistics], dict[str, float]]] = {
    "binary": _of_positives,
    "multiclass": _of_classes,
    "regression": lambda *_: {},
}
