"""One published model, one server of it, and real rows, for all tests of the folder."""

import json

import pandas as pd
import pytest
import tensorflow as tf
from conftest import TwoRuns

from components.model_store import store
from components.shared.raw_rows import as_rows
from tests.flights import COLUMNS, FEATURES, LABEL
from tests.serving.servers import MODEL, copy_version, serving

RAW = {name: dtype for name, dtype in COLUMNS.items() if name != LABEL}


@pytest.fixture(scope="session")
def published(two_runs: TwoRuns) -> store.Version:
    return store.production(two_runs.root / "serving" / MODEL)


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


@pytest.fixture(scope="session")
def server(models, tmp_path_factory):
    """A server that no test harms, with small limits."""
    log = tmp_path_factory.mktemp("requests")
    with serving(models, "--max_body_mb=4", f"--request_log={log}", "--request_log_share=1") as running:
        yield running


@pytest.fixture(scope="session")
def flights(few_spans) -> pd.DataFrame:
    return pd.read_parquet(few_spans / "2013-04" / "flights.parquet").head(64)


@pytest.fixture(scope="session")
def model(published):
    return tf.saved_model.load(str(published.folder))


@pytest.fixture(scope="session")
def scores(model, flights):
    """Of `flights`, by the `raw` signature in this process."""
    columns = {feature.name: tf.constant(flights[feature.name].to_numpy(), feature.dtype) for feature in FEATURES}
    return model.signatures["raw"](**columns)["probability"].numpy()


@pytest.fixture(scope="session")
def rows(flights) -> list[dict]:
    """`flights` as JSON's rows: NaN where a value is missing."""
    columns = {name: flights[name].to_numpy() for name in RAW}
    return as_rows({n: c.astype("S").astype(object) if RAW[n] == "string" else c.astype(RAW[n]) for n, c in columns.items()})


@pytest.fixture(scope="session")
def examples(flights) -> list[bytes]:
    """`flights` as serialized tf.Examples, without what is missing."""
    found = []
    for row in flights.to_dict("records"):
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


def body(**content) -> str:
    """A request's JSON."""
    return json.dumps(content)
