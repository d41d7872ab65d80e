import grpc
import numpy as np
import pytest
import tensorflow as tf
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from tests.serving.conftest import as_columns
from tests.serving.servers import MODEL

Code = grpc.StatusCode


@pytest.fixture(scope="module")
def channel(server):
    with grpc.insecure_channel(server.grpc) as opened:
        yield opened
        health = health_pb2_grpc.HealthStub(opened).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING, "no bad request of this file has ended the server"


@pytest.fixture(scope="module")
def stub(channel):
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


def request(frame, **changes) -> predict_pb2.PredictRequest:
    """Raw columns."""
    result = predict_pb2.PredictRequest()
    result.model_spec.name, result.model_spec.signature_name = MODEL, "raw"
    for name, values in (as_columns(frame) | changes).items():
        result.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return result


def refusal(call, sent) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(sent, timeout=20)
    return caught.value.code(), caught.value.details()


def test_raw_columns_get_the_models_answers(stub, frame, scores):
    response = stub.Predict(request(frame))
    assert (response.model_spec.name, response.model_spec.version.value) == (MODEL, 1)
    np.testing.assert_allclose(tf.make_ndarray(response.outputs["probability"]), scores, atol=1e-6)


def test_tensor_content_is_read_as_values_are(stub, frame, scores):
    sent = request(frame)
    assert sent.inputs["price"].tensor_content, "many numbers are packed"
    alone = stub.Predict(request(frame.head(1))).outputs["probability"].float_val
    assert alone == pytest.approx(scores[:1], abs=1e-6)


def test_examples_get_the_same(stub, examples, scores):
    sent = predict_pb2.PredictRequest(output_filter=["probability"])
    sent.model_spec.name, sent.model_spec.version_label = MODEL, "stable"
    sent.inputs["examples"].CopyFrom(tf.make_tensor_proto(examples))
    np.testing.assert_allclose(stub.Predict(sent).outputs["probability"].float_val, scores, atol=1e-6)


def of_examples(kind, signature, examples):
    sent = kind()
    sent.model_spec.name, sent.model_spec.signature_name = MODEL, signature
    sent.input.example_list.examples.extend(tf.train.Example.FromString(example) for example in examples)
    return sent


def test_classify(stub, examples, scores):
    response = stub.Classify(of_examples(classification_pb2.ClassificationRequest, "classify", examples))
    first = response.result.classifications[0].classes
    assert [each.label for each in first] == ["returned", "not returned"]
    found = [each.classes[0].score for each in response.result.classifications]
    np.testing.assert_allclose(found, scores, atol=1e-6)


def test_regress_with_a_context_that_all_examples_share(stub, examples, scores):
    whole = tf.train.Example.FromString(examples[0])
    sent = of_examples(regression_pb2.RegressionRequest, "regress", [])
    shared = sent.input.example_list_with_context
    shared.context.features.feature["shop"].CopyFrom(whole.features.feature["shop"])
    del whole.features.feature["shop"]
    shared.examples.append(whole)
    assert stub.Regress(sent).result.regressions[0].value == pytest.approx(scores[0], abs=1e-6)


def test_metadata_and_status(stub, channel, model):
    sent = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    sent.model_spec.name = MODEL
    found = get_model_metadata_pb2.SignatureDefMap()
    stub.GetModelMetadata(sent).metadata["signature_def"].Unpack(found)
    assert set(found.signature_def) == {*model.signatures, "__saved_model_init_op"}
    asked = get_model_status_pb2.GetModelStatusRequest()
    asked.model_spec.name = MODEL
    [status] = model_service_pb2_grpc.ModelServiceStub(channel).GetModelStatus(asked).model_version_status
    assert (status.version, status.state) == (1, get_model_status_pb2.ModelVersionStatus.AVAILABLE)


def changed(frame, **fields):
    sent = request(frame.head(2))
    for name, value in fields.items():
        setattr(sent.model_spec, name, value)
    return sent


def versioned(frame, number):
    sent = request(frame.head(2))
    sent.model_spec.version.value = number
    return sent


def lacking(frame):
    sent = request(frame.head(2))
    del sent.inputs["price"]
    return sent


def extra(frame):
    sent = request(frame.head(2))
    sent.inputs["mood"].CopyFrom(tf.make_tensor_proto([1.0]))
    return sent


def huge(frame):
    sent = request(frame.head(2))
    sent.inputs["price"].tensor_shape.dim[0].size = 10**15
    return sent


def shaped(frame, *sizes):
    """As many values as the shape needs: one, or none."""
    sent = request(frame.head(0 if 0 in sizes else 1))
    del sent.inputs["price"].tensor_shape.dim[:]
    for size in sizes:
        sent.inputs["price"].tensor_shape.dim.add(size=size)
    return sent


def of_unknown_dtype(frame):
    sent = request(frame.head(2))
    sent.inputs["price"].dtype = 4242
    return sent


def torn(frame):
    sent = request(frame)
    sent.inputs["price"].tensor_content = sent.inputs["price"].tensor_content[:-1]
    return sent


def filtered(frame):
    sent = request(frame.head(2))
    sent.output_filter.append("nope")
    return sent


BAD = [
    (lambda frame: changed(frame, name="nobody"), Code.NOT_FOUND, "Latest(nobody)"),
    (lambda frame: changed(frame, name=""), Code.INVALID_ARGUMENT, "ModelSpec has no name"),
    (lambda frame: changed(frame, signature_name=""), Code.INVALID_ARGUMENT, "Signature raw takes such inputs"),
    (lambda frame: changed(frame, version_label="nope"), Code.INVALID_ARGUMENT, "label: nope"),
    (lambda frame: versioned(frame, 7), Code.NOT_FOUND, f"Specific({MODEL}, 7)"),
    (lacking, Code.INVALID_ARGUMENT, "Missing but required: {price}"),
    (extra, Code.INVALID_ARGUMENT, "Sent extra: {mood}"),
    (huge, Code.INVALID_ARGUMENT, "input price has 2 values"),
    (lambda frame: shaped(frame, *[1] * 70), Code.INVALID_ARGUMENT, "input price has the shape [1, 1, 1"),
    (lambda frame: shaped(frame, 0, 2**40, 2**40), Code.INVALID_ARGUMENT, "input price has the shape [0, 1099511627776"),
    (torn, Code.INVALID_ARGUMENT, "input price"),
    (of_unknown_dtype, Code.INVALID_ARGUMENT, "input price has dtype 4242"),
    (filtered, Code.INVALID_ARGUMENT, "alias not found in signature: nope"),
    (
        lambda frame: request(frame, price=["cheap"] * 64),
        Code.INVALID_ARGUMENT,
        "price has dtype object; expected float32",
    ),
    (lambda frame: request(frame, price=[1.0] * 3), Code.INVALID_ARGUMENT, "rows; another one has"),
    (lambda frame: request(frame, price=[[1.0]] * 64), Code.INVALID_ARGUMENT, "input price has shape [64, 1]"),
    (lambda frame: request(frame, price=1.0), Code.INVALID_ARGUMENT, "input price"),
    (lambda frame: request(frame.head(0)), Code.INVALID_ARGUMENT, "no rows"),
]


@pytest.mark.parametrize(("make", "code", "message"), BAD, ids=range(len(BAD)))
def test_a_wrong_request_is_refused_by_name(stub, frame, make, code, message):
    found, details = refusal(stub.Predict, make(frame))
    assert found is code, details
    assert message in details


@pytest.mark.parametrize("content", [b"no example", b"\xdf\xff no text either"])
def test_what_is_no_tf_example_is_an_invalid_argument(stub, content):
    sent = predict_pb2.PredictRequest()
    sent.model_spec.name = MODEL
    sent.inputs["examples"].CopyFrom(tf.make_tensor_proto([content]))
    assert refusal(stub.Predict, sent)[0] is Code.INVALID_ARGUMENT


def test_a_signature_that_does_not_classify_is_named(stub, examples):
    sent = of_examples(classification_pb2.ClassificationRequest, "", examples[:1])
    code, details = refusal(stub.Classify, sent)
    assert code is Code.INVALID_ARGUMENT
    assert "serving_default takes examples and gives probability" in details
    assert "classes and scores" in details


def test_a_request_without_examples_is_refused(stub):
    sent = of_examples(regression_pb2.RegressionRequest, "regress", [])
    assert refusal(stub.Regress, sent)[0] is Code.INVALID_ARGUMENT


def test_bytes_that_are_no_message_are_refused(channel):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    assert refusal(call, b"\xff" * 100)[0] in (Code.INTERNAL, Code.UNKNOWN)


def test_a_message_over_the_limit_is_refused(channel):
    call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    assert refusal(call, b"\x00" * 5_000_000)[0] is Code.RESOURCE_EXHAUSTED
