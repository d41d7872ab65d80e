"""One published model, one server of it, and rows, for all tests of the folder."""

import json

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import ParcelRuns

from components.model_store import store
from tests import neutral
from tests.serving.servers import MODEL, copy_version, serving

RAW = {feature.name: feature.dtype for feature in neutral.FEATURES}


@pytest.fixture(scope="session")
def published(parcel_runs: ParcelRuns) -> store.Version:
    return store.production(parcel_runs.serving)


@pytest.fixture(scope="session")
def models(published, tmp_path_factory):
    """A folder of models with one version, 1, which is stable."""
    folder = tmp_path_factory.mktemp("models")
    copy_version(published.folder, folder)
    (folder / "models.config").write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" base_path: "/models/{MODEL}" model_platform: "tensorflow" '
        'version_labels { key: "stable" value: 1 } } }'
    )
    return folder


@pytest.fixture(scope="session", params=["multiclass", "regression"])
def task_model(request, tmp_path_factory):
    """A `TaskModel` of each task but the binary one."""
    from tests import task_models  # noqa: PLC0415  # Beam: most tests of the folder need none

    return task_models.once_made(request.param, tmp_path_factory)


@pytest.fixture
def own_models(published, tmp_path):
    """A folder of models with version 1 for one test, which may change it."""
    copy_version(published.folder, tmp_path / "models")
    return tmp_path / "models"


@pytest.fixture(scope="session")
def server(models, tmp_path_factory):
    """A server that no test harms, with small limits."""
    log = tmp_path_factory.mktemp("requests")
    with serving(models, "--max_body_mb=4", f"--request_log={log}", "--request_log_share=1") as running:
        yield running


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    """Rows of the newest month, of the declared dtypes; values are missing."""
    made = neutral.rows(neutral.MONTHS[-1:], each=64)
    return made.astype({name: dtype for name, dtype in RAW.items() if dtype == "float32"})


@pytest.fixture(scope="session")
def model(published):
    return tf.saved_model.load(str(published.folder))


@pytest.fixture(scope="session")
def scores(model, frame):
    """Of `frame`, by the `raw` signature in this process."""
    columns = {name: tf.constant(column) for name, column in as_columns(frame).items()}
    return model.signatures["raw"](**columns)["probability"].numpy()


@pytest.fixture(scope="session")
def rows(frame) -> list[dict]:
    """`frame` as JSON's rows: NaN or "" where a value is missing."""
    return pd.DataFrame(as_columns(frame)).to_dict("records")


@pytest.fixture(scope="session")
def examples(frame) -> list[bytes]:
    """`frame` as serialized tf.Examples, without what is missing."""
    found = []
    for row in frame.to_dict("records"):
        example = tf.train.Example()
        for name, dtype in RAW.items():
            if pd.isna(row[name]):
                continue
            feature = example.features.feature[name]
            if dtype == "string":
                feature.bytes_list.value.append(row[name].encode())
            elif dtype == "int64":
                feature.int64_list.value.append(row[name])
            else:
                feature.float_list.value.append(row[name])
        found.append(example.SerializeToString())
    return found


def as_columns(frame) -> dict[str, np.ndarray]:
    """Rows as the `raw` signature takes them: NaN or "" where a value is missing."""
    return {name: (frame[name].fillna("") if dtype == "string" else frame[name]).to_numpy() for name, dtype in RAW.items()}


def body(**content) -> str:
    """A request's JSON."""
    return json.dumps(content)
