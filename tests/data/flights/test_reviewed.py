"""The reviewed schema of flights, on the rows themselves."""

import tfx  # noqa: F401 (before TFDV, which needs a module that TFX stands in for)

import tensorflow_data_validation as tfdv  # isort: skip
from components.data_gate import checks
from tests.flights import COLUMNS


def test_real_flights_fit_the_reviewed_schema(year):
    labelled = year[year.late.notna()].sample(50_000, random_state=1)
    dtypes = {name: dtype for name, dtype in COLUMNS.items() if dtype != "string"}
    rows = labelled[list(COLUMNS)].astype(dtypes).reset_index(drop=True)
    schema = tfdv.load_schema_text("data/flights/schema.pbtxt")
    anomalies = tfdv.validate_statistics(tfdv.generate_statistics_from_dataframe(rows), schema)
    assert checks.anomalies("train", anomalies, schema) == []
