"""Models of every other task than the binary one, asked as clients ask them: the same answers as the model's own."""

import base64
import json

import grpc
import httpx
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from tensorflow_serving.apis import classification_pb2, predict_pb2, prediction_service_pb2_grpc, regression_pb2

from components.publisher import warm_up
from serving import batch, predict
from serving.client import Target, connect
from serving.refused import Refused
from serving.server import request_log
from serving.server.servable import Servable
from tests import task_models
from tests.other_tasks import CLASSES
from tests.serving.servers import MODEL, serving_here, until

PATH = f"/v1/models/{MODEL}"
FEW = 5


@pytest.fixture(scope="module")
def asked(task_model) -> pd.DataFrame:
    """Rows with the label."""
    return task_models.frame(task_model.task).head(40)


@pytest.fixture(scope="module")
def raw(task_model, asked) -> dict[str, np.ndarray]:
    of = task_models.problem(task_model.task)
    return {name: column for name, column in task_models.columns(of, asked).items() if name in of.declared}


@pytest.fixture(scope="module")
def expected(task_model, raw) -> np.ndarray:
    """The model's own answers."""
    score = tf.saved_model.load(str(task_model.folder)).signatures["raw"]
    [answer] = score(**{name: tf.constant(column) for name, column in raw.items()}).values()
    return answer.numpy()


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return tmp_path_factory.mktemp("requests")


@pytest.fixture(scope="module")
def server(task_model, log):
    flags = (f"--request_log={log}", "--request_log_share=1", "--request_log_seconds=0.5")
    with serving_here(task_model.serving, *flags) as running:
        yield running


@pytest.fixture(params=["http", "grpc"])
def url(request, server) -> str:
    return f"{request.param}://{server.rest if request.param == 'http' else server.grpc}"


@pytest.fixture(scope="module")
def stub(server):
    with grpc.insecure_channel(server.grpc) as channel:
        yield prediction_service_pb2_grpc.PredictionServiceStub(channel)


def post(server, verb: str, **content):
    response = httpx.post(f"http://{server.rest}{PATH}:{verb}", content=json.dumps(content))
    return response.status_code, json.loads(response.text)


def texts(raw: dict[str, np.ndarray]) -> dict[str, list]:
    """As JSON has them."""
    return {name: [each.decode() if isinstance(each, bytes) else each for each in col.tolist()] for name, col in raw.items()}


def has_classes(task_model) -> bool:
    return task_model.task == "multiclass"


def test_the_client_gives_an_answer_a_row_and_knows_what_it_is_called(url, task_model, asked, expected):
    with connect(Target(url, MODEL)) as client:
        found = client.predict(asked)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert (found.shape, found.dtype) == (expected.shape, np.float32)
        assert client.output() == task_models.problem(task_model.task).task.output


def test_the_classes_are_those_of_the_model_where_it_has_some(url, task_model):
    with connect(Target(url, MODEL)) as client:
        if has_classes(task_model):
            assert client.classes() == CLASSES
        else:
            with pytest.raises(Refused, match="classify"):
                client.classes()


def test_the_command_line_says_the_likeliest_class_or_the_number(url, task_model, raw, expected, tmp_path, capsys):  # noqa: PLR0917
    rows = pd.DataFrame(texts(raw)).head(FEW)
    (tmp_path / "rows.json").write_text(json.dumps(rows.astype(object).where(rows.notna(), None).to_dict("records")))
    assert predict.main(["--server", url, "--model", MODEL, "--json", str(tmp_path / "rows.json")]) == 0
    printed = capsys.readouterr().out.splitlines()
    if has_classes(task_model):
        assert printed == [f"{CLASSES[each.argmax()]}, probability {each.max():.4f}" for each in expected[:FEW]]
    else:
        assert printed == [f"prediction {each:.4g}" for each in expected[:FEW]]


def names(task_model) -> list[str]:
    return [f"probability of {name}" for name in CLASSES] if has_classes(task_model) else ["prediction"]


def test_csv_has_a_column_more_or_one_a_class(url, task_model, asked, expected, tmp_path, capsys):  # noqa: PLR0917
    asked.to_csv(tmp_path / "rows.csv", index=False)
    assert predict.main(["--server", url, "--model", MODEL, "--csv", str(tmp_path / "rows.csv")]) == 0
    (tmp_path / "answers.csv").write_text(capsys.readouterr().out)
    found = pd.read_csv(tmp_path / "answers.csv")
    assert [*found.columns] == [*asked.columns, *names(task_model)]
    np.testing.assert_allclose(found[names(task_model)].to_numpy(), expected.reshape(len(asked), -1), rtol=1e-4)


def test_files_get_a_column_more_or_one_a_class(task_model, asked, expected, tmp_path, capsys):
    asked.to_parquet(tmp_path / "rows.parquet", row_group_size=25, index=False)
    command = ["--input", str(tmp_path / "rows.parquet"), "--model", str(task_model.folder), "--output"]
    assert batch.main([*command, str(tmp_path / "scores.parquet")]) == 0
    found = pd.read_parquet(tmp_path / "scores.parquet")
    ends = {} if task_model.task == "multiclass" else {"lower end": expected - 2.5, "upper end": expected + 4}
    assert [*found.columns] == [*asked.columns, *names(task_model), *ends]
    np.testing.assert_allclose(found[names(task_model)].to_numpy(), expected.reshape(len(asked), -1), rtol=1e-5)
    for name, column in ends.items():
        np.testing.assert_allclose(found[name], column, rtol=1e-5)
    assert set(found[[*names(task_model), *ends]].dtypes) == {np.dtype(np.float32)}
    found.to_parquet(tmp_path / "rows.parquet", index=False)
    assert batch.main([*command, str(tmp_path / "again.parquet")]) == 3
    assert f"has a column {names(task_model)[0]} already" in capsys.readouterr().err


def test_rest_answers_rows_and_columns_as_tensorflow_serving_does(server, raw, expected):
    columns = texts(raw)
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for content, key in (({"instances": rows}, "predictions"), ({"inputs": columns}, "outputs")):
        status, found = post(server, "predict", signature_name="raw", **content)
        assert status == 200, found
        np.testing.assert_allclose(found[key], expected, atol=1e-5)


def test_grpc_answers_with_the_shape_of_the_model(stub, raw, expected):
    sent = predict_pb2.PredictRequest()
    sent.model_spec.name, sent.model_spec.signature_name = MODEL, "raw"
    for name, column in raw.items():
        sent.inputs[name].CopyFrom(tf.make_tensor_proto(column))
    [answer] = stub.Predict(sent).outputs.values()
    assert [each.size for each in answer.tensor_shape.dim] == [*expected.shape]
    np.testing.assert_allclose(tf.make_ndarray(answer), expected, atol=1e-5)


def test_serialized_examples_get_the_same_answers(server, raw, expected):
    coded = [{"b64": base64.b64encode(each).decode()} for each in request_log.examples(raw)]
    status, found = post(server, "predict", instances=coded)
    assert status == 200, found
    np.testing.assert_allclose(found["predictions"], expected, atol=1e-5)


def of_examples(kind, signature: str, raw):
    sent = kind()
    sent.model_spec.name, sent.model_spec.signature_name = MODEL, signature
    sent.input.example_list.examples.extend(map(tf.train.Example.FromString, request_log.examples(raw)))
    return sent


def test_a_model_classifies_or_regresses_and_refuses_the_other(server, stub, task_model, raw, expected):
    rows = pd.DataFrame(texts(raw)).head(FEW).replace("", None).to_dict("records")
    given = [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows]
    if has_classes(task_model):
        found = stub.Classify(of_examples(classification_pb2.ClassificationRequest, "classify", raw)).result.classifications
        assert [[each.label for each in row.classes] for row in found] == [CLASSES] * len(expected)
        np.testing.assert_allclose([[each.score for each in row.classes] for row in found], expected, atol=1e-5)
        status, answer = post(server, "classify", signature_name="classify", examples=given)
        assert status == 200, answer
        assert [[name for name, _ in row] for row in answer["results"]] == [CLASSES] * FEW
        np.testing.assert_allclose([[score for _, score in row] for row in answer["results"]], expected[:FEW], atol=1e-5)
        other = of_examples(regression_pb2.RegressionRequest, "classify", raw), stub.Regress
    else:
        found = stub.Regress(of_examples(regression_pb2.RegressionRequest, "regress", raw)).result.regressions
        np.testing.assert_allclose([each.value for each in found], expected, atol=1e-5)
        status, answer = post(server, "regress", signature_name="regress", examples=given)
        assert status == 200, answer
        np.testing.assert_allclose(answer["results"], expected[:FEW], atol=1e-5)
        other = of_examples(classification_pb2.ClassificationRequest, "regress", raw), stub.Classify
    sent, call = other
    with pytest.raises(grpc.RpcError) as refused:
        call(sent)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "This model has none such." in refused.value.details()


def test_metadata_states_the_shape_of_an_answer(server, expected):
    signatures = httpx.get(f"http://{server.rest}{PATH}/metadata").json()["metadata"]["signature_def"]["signature_def"]
    [answer] = signatures["raw"]["outputs"].values()
    sizes = [int(each["size"]) for each in answer["tensor_shape"]["dim"]]
    assert sizes == [-1, *expected.shape[1:]]


def test_a_version_is_warmed_up_by_what_it_brings_along(task_model):
    assert Servable(MODEL, 1, task_model.folder).warmed_up == 2 * len(warm_up.BATCHES)


def test_requests_are_counted_and_logged(server, raw, log):
    status, found = post(server, "predict", signature_name="raw", inputs=texts(raw))
    assert status == 200, found
    metrics = httpx.get(f"http://{server.rest}/monitoring/prometheus/metrics").text
    [count] = [line for line in metrics.splitlines() if line.startswith(":tensorflow:serving:request_count{") and "OK" in line]
    assert float(count.rpartition(" ")[2]) >= 1
    until(lambda: list(log.glob("requests-*")))
