"""The local server answers as TensorFlow Serving's source says, request by request."""

import json

import grpc
import httpx
import pytest
import tensorflow as tf
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from tests.serving import answers
from tests.serving.servers import MODEL

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def web(server):
    with httpx.Client(base_url=f"http://{server.rest}", timeout=30) as client:
        yield client


def present(row):
    """A row as a client writes it for :classify: without what is missing."""
    return {name: value for name, value in row.items() if value == value}  # noqa: PLR0124  # no NaN


@pytest.mark.parametrize("each", [*answers.PATHS, *answers.CALLS, *answers.BODIES], ids=lambda each: each.request[:60])
def test_rest(web, rows, examples, each):
    method, target = each.request.split(" ")
    headers = {"Accept-Encoding": "identity"} | each.headers
    body = answers.sent(each, rows[0], examples[0], present(rows[0]))
    response = web.send(
        web.build_request(method, httpx.URL(str(web.base_url).rstrip("/") + target), content=body, headers=headers)
    )
    assert response.status_code == each.status, (each.source, response.text)
    assert "content-encoding" not in response.headers
    if method in ("HEAD", "OPTIONS"):
        assert response.content == b""
        return
    assert response.headers["content-type"] == "application/json"
    content = json.loads(response.text)
    assert set(content) == set(each.keys or ("error",)), each.source
    assert each.message in content.get("error", ""), each.source


def of(kind, **spec):
    """A request of a kind with a model_spec; without one, if it says nothing."""
    found = kind()
    for name, value in spec.items():
        if name == "version":
            found.model_spec.version.value = value
        else:
            setattr(found.model_spec, name, value)
    return found


def predict(content=b"", name=MODEL, **spec):
    """Of a serialized example, or of none."""
    found = of(predict_pb2.PredictRequest, name=name, **spec)
    if content:
        found.inputs["examples"].CopyFrom(tf.make_tensor_proto([content]))
    return found


def with_outputs(*names):
    return lambda example: predict_of(example, names)


def predict_of(example, names):
    found = predict(example)
    found.output_filter.extend(names)
    return found


def compressed(example):
    """Two rows of one value: what is missing in a tensor's proto is its last value."""
    found = predict(example)
    found.inputs["examples"].tensor_shape.dim[0].size = 2
    return found


def with_field(field, **spec):
    found = of(get_model_metadata_pb2.GetModelMetadataRequest, **spec)
    found.metadata_field.extend(field)
    return found


PREDICTION, MANAGEMENT = "PredictionService", "ModelService"
UTIL = "servables/tensorflow/predict_util.cc"
SPEC = "server_core.cc ServableRequestFromModelSpec"
# Source, service, method, what is sent for an example, code, part of the message.
GRPC = [
    (UTIL, PREDICTION, "Predict", predict, Code.OK, ""),
    ("tensor.cc FromProtoField", PREDICTION, "Predict", compressed, Code.OK, ""),
    (
        "predict_impl.cc",
        PREDICTION,
        "Predict",
        lambda _: predict_pb2.PredictRequest(),
        Code.INVALID_ARGUMENT,
        "Missing ModelSpec",
    ),
    (SPEC, PREDICTION, "Predict", lambda e: predict(e, name=""), Code.INVALID_ARGUMENT, "ModelSpec has no name specified."),
    ("basic_manager.cc", PREDICTION, "Predict", lambda e: predict(e, name="nobody"), Code.NOT_FOUND, "Servable not found"),
    ("basic_manager.cc", PREDICTION, "Predict", lambda e: predict(e, version=7), Code.NOT_FOUND, f"Specific({MODEL}, 7)"),
    (SPEC, PREDICTION, "Predict", lambda e: predict(e, version_label="nope"), Code.INVALID_ARGUMENT, "version label: nope"),
    (SPEC, PREDICTION, "Predict", lambda e: predict(e, name="nobody", version_label="a"), Code.INVALID_ARGUMENT, "label: a"),
    (
        f"{UTIL} RunPredict",
        PREDICTION,
        "Predict",
        lambda e: predict(e, signature_name="nope"),
        Code.FAILED_PRECONDITION,
        'Serving signature key "nope" not found.',
    ),
    (
        f"{UTIL} VerifyRequestInputsSize",
        PREDICTION,
        "Predict",
        lambda _: predict(),
        Code.INVALID_ARGUMENT,
        "Missing but required",
    ),
    (f"{UTIL} PreProcessPrediction", PREDICTION, "Predict", with_outputs("nope"), Code.INVALID_ARGUMENT, "alias not found in"),
    (UTIL, PREDICTION, "Predict", with_outputs(*["probability"] * 2), Code.INVALID_ARGUMENT, "duplicate output tensor alias"),
    (
        "classifier.cc GetClassificationSignatureDef",
        PREDICTION,
        "Classify",
        lambda _: of(classification_pb2.ClassificationRequest, name=MODEL, signature_name="nope"),
        Code.INVALID_ARGUMENT,
        "No signature was found with the name: nope",
    ),
    (
        "util.cc InputToSerializedExampleTensor",
        PREDICTION,
        "Regress",
        lambda _: of(regression_pb2.RegressionRequest, name=MODEL, signature_name="regress"),
        Code.INVALID_ARGUMENT,
        "Input is empty.",
    ),
    (
        "get_model_metadata_impl.cc",
        PREDICTION,
        "GetModelMetadata",
        lambda _: with_field(["signature_def"], name=MODEL),
        Code.OK,
        "",
    ),
    (
        "get_model_metadata_impl.cc ValidateGetModelMetadataRequest",
        PREDICTION,
        "GetModelMetadata",
        lambda _: with_field([], name=MODEL),
        Code.INVALID_ARGUMENT,
        "must specify at least one metadata_field",
    ),
    (
        "get_model_metadata_impl.cc",
        PREDICTION,
        "GetModelMetadata",
        lambda _: with_field(["nope"], name=MODEL),
        Code.INVALID_ARGUMENT,
        "Metadata field nope is not supported",
    ),
    (
        "get_model_status_impl.cc",
        MANAGEMENT,
        "GetModelStatus",
        lambda _: of(get_model_status_pb2.GetModelStatusRequest, name=MODEL, version_label="nope"),
        Code.OK,
        "",
    ),
    (
        "get_model_status_impl.cc",
        MANAGEMENT,
        "GetModelStatus",
        lambda _: of(get_model_status_pb2.GetModelStatusRequest, name="nobody"),
        Code.NOT_FOUND,
        "Could not find any versions of model nobody",
    ),
]
# What TensorFlow Serving has and the local server has not.
ABSENT = [
    (PREDICTION, "MultiInference", inference_pb2.MultiInferenceRequest()),
    (MANAGEMENT, "HandleReloadConfigRequest", model_management_pb2.ReloadConfigRequest()),
]


def called(server, service, method, request) -> tuple[grpc.StatusCode, str]:
    with grpc.insecure_channel(server.grpc) as channel:
        call = channel.unary_unary(f"/tensorflow.serving.{service}/{method}", type(request).SerializeToString)
        try:
            call(request, timeout=30)
        except grpc.RpcError as error:
            return error.code(), error.details()
    return Code.OK, ""


@pytest.mark.parametrize("each", GRPC, ids=range(len(GRPC)))
def test_grpc(server, examples, each):
    source, service, method, make, code, message = each
    found, details = called(server, service, method, make(examples[0]))
    assert found is code, (source, details)
    assert message in details, source


@pytest.mark.parametrize(("service", "method", "request_"), ABSENT, ids=[method for _, method, _ in ABSENT])
def test_a_method_that_is_not_here_says_so_without_a_traceback(server, service, method, request_):
    code, details = called(server, service, method, request_)
    assert code is Code.UNIMPLEMENTED
    assert f"{method} is not implemented by the local server" in details
    assert method not in server.log.read_text()


def test_a_long_message_over_grpc_is_cut_as_there(server):
    """model_servers/grpc_status_util.cc: what is longer than 1,024 characters would not fit into a header."""
    code, details = called(server, PREDICTION, "Predict", predict(b"x", name="n" * 3000))
    assert code is Code.NOT_FOUND
    assert details.endswith("...TRUNCATED")
    assert len(details) == 1024 + len("...TRUNCATED")


def test_metadata_names_what_has_no_value_too(web):
    """model_servers/http_rest_api_util.cc ToJsonString: always_print_primitive_fields."""
    found = web.get(f"/v1/models/{MODEL}/metadata").json()
    assert found["model_spec"] == {"name": MODEL, "signature_name": "", "version": "1"}
    raw = found["metadata"]["signature_def"]["signature_def"]["raw"]
    assert raw["inputs"]["price"]["tensor_shape"] == {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False}
    assert raw["method_name"] == "tensorflow/serving/predict"


@pytest.mark.parametrize(
    ("api", "content"),
    [
        ("predict", {"signature_name": "raw", "instances": [answers.ROW]}),
        ("regress", {"signature_name": "regress", "examples": [answers.FEATURES]}),
    ],
)
def test_metrics_are_labelled_as_there(server, rows, examples, api, content):
    """http_server.cc and prediction_service_impl.cc RecordRequestLatency; util.cc: names, labels, kinds of label."""
    sent = json.dumps(answers.filled(content, rows[0], examples[0], present(rows[0])))
    assert httpx.post(f"http://{server.rest}/v1/models/{MODEL}:{api}", content=sent, timeout=30).status_code == 200
    assert called(server, PREDICTION, "Predict", predict(examples[0]))[0] is Code.OK
    response = httpx.get(f"http://{server.rest}/monitoring/prometheus/metrics")
    assert response.headers["content-type"] == "text/plain"
    text = response.text
    for labels in (f'API="{api}",entrypoint="REST"', 'API="Predict",entrypoint="GRPC"'):
        assert f':tensorflow:serving:request_latency_count{{{labels},model_name="{MODEL}"}}' in text
    assert f':tensorflow:serving:runtime_latency_count{{API="{api.title()}",model_name="{MODEL}",runtime="TF1"}}' in text
    assert f':tensorflow:serving:request_count{{model_name="{MODEL}",status="OK"}}' in text
    assert f'/{MODEL}/1",status="success"}}' in text, "the load is counted by the version's folder"
    assert "nobody" not in text, "a model that is not served makes no time series"


def test_metrics_with_a_query_are_refused_as_there(web):
    """model_servers/http_server.cc ProcessPrometheusRequest."""
    response = web.get("/monitoring/prometheus/metrics?x=1")
    assert response.status_code == 400
    assert response.text == "Unexpected path: /monitoring/prometheus/metrics?x=1. Should be /monitoring/prometheus/metrics"
