"""What TensorFlow Serving 2.19.1 answers, request by request, as its source says: that was read, not run.

`test_answers` asks the local server. Paths are below tensorflow_serving/. A message is the part of TensorFlow Serving's that is
compared; the local server may say more.
"""

import base64
import gzip
import json
from dataclasses import dataclass, field
from typing import Any

HANDLER = "model_servers/http_rest_api_handler.cc"
UTIL = "model_servers/http_rest_api_util.cc"
SERVER = "model_servers/http_server.cc"
EVENTS = "util/net_http/server/internal/evhttp_server.cc"
BODY = "util/net_http/server/internal/evhttp_request.cc"
JSON = "util/json_tensor.cc"
CORE = "model_servers/server_core.cc"
MANAGER = "core/basic_manager.cc"
STATUS = "model_servers/get_model_status_impl.cc"
CLASSIFIER = "servables/tensorflow/classifier.cc"
REGRESSOR = "servables/tensorflow/regressor.cc"
MODEL = "/v1/models/parcels"


@dataclass(frozen=True)
class Rest:
    """One request over REST, and its answer.

    Attributes:
        source: file and function that answer it.
        request: method and target.
        status: HTTP's.
        body: that is sent. `ROW` and `EXAMPLE` in it become a row of raw values and a serialized tf.Example.
        message: in `error`, if it is refused.
        keys: of the answer's object, if it is not.
        headers: that are sent.
    """

    source: str
    request: str
    status: int
    body: Any = None
    message: str = ""
    keys: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)


ROW, LACKING, EXTRA, EXAMPLE, FEATURES = "<row>", "<row without price>", "<row with mood>", "<example>", "<features>"
RAW = {"signature_name": "raw"}
ROWS = RAW | {"instances": [ROW]}
CODED = {"b64": base64.b64encode(b"no example").decode()}
PREDICT, CLASSIFY, REGRESS = f"POST {MODEL}:predict", f"POST {MODEL}:classify", f"POST {MODEL}:regress"
GZIP = {"Content-Encoding": "gzip"}
ORIGIN = {"Origin": "https://example.org"}
OK, BAD, MISSING = 200, 400, 404
STATE = ("model_version_status",)

PATHS = [
    Rest(f"{STATUS} GetModelStatusWithModelSpec", f"GET {MODEL}", OK, keys=STATE),
    Rest(f"{STATUS} GetModelStatusWithModelSpec", f"GET {MODEL}/versions/1", OK, keys=STATE),
    Rest(f"{STATUS} GetModelStatusWithModelSpec, which reads no label", f"GET {MODEL}/labels/stable", OK, keys=STATE),
    Rest(f"{STATUS} GetModelStatusWithModelSpec, which reads no label", f"GET {MODEL}/labels/nope", OK, keys=STATE),
    Rest(f"{STATUS}", f"GET {MODEL}/versions/7", MISSING, message="Could not find version 7 of model parcels"),
    Rest(f"{STATUS}", "GET /v1/models/nobody", MISSING, message="Could not find any versions of model nobody"),
    Rest(f"{HANDLER} ProcessModelStatusRequest", "GET /v1/models", BAD, message="Missing model name in request."),
    Rest(f"{HANDLER} ProcessModelMetadataRequest", "GET /v1/models/versions/1", BAD, message="Missing model name"),
    Rest(f"{UTIL} ToJsonString", f"GET {MODEL}/metadata", OK, keys=("model_spec", "metadata")),
    Rest(f"{UTIL} ToJsonString", f"GET {MODEL}/versions/1/metadata", OK, keys=("model_spec", "metadata")),
    Rest(f"{UTIL} ToJsonString", f"GET {MODEL}/labels/stable/metadata", OK, keys=("model_spec", "metadata")),
    Rest(f"{CORE} GetModelVersionForLabel", f"GET {MODEL}/labels/nope/metadata", BAD, message="version label: nope"),
    Rest(f"{MANAGER} GetUntypedServableHandle", f"GET {MODEL}/versions/7/metadata", MISSING, message="Servable not found"),
    Rest(f"{UTIL} ParseModelInfo, case does not count", "GET /V1/MODELS/parcels/VERSIONS/1", OK, keys=STATE),
    Rest(f"{HANDLER} ProcessRequest, METADATA is no metadata", f"GET {MODEL}/METADATA", OK, keys=STATE),
    Rest(f"{UTIL} DecodeArg", "GET /v1/models/parcel%73", OK, keys=STATE),
    Rest(f"{UTIL} ParseModelInfo", f"GET {MODEL}/versions/x", BAD, message=f"Malformed request: GET {MODEL}/versions/x"),
    Rest(f"{UTIL} ParseModelInfo", f"GET {MODEL}/versions/{10**30}", BAD, message="Failed to convert version: 1000"),
    Rest(f"{BODY} uri_path holds the query", f"GET {MODEL}?a=1", MISSING, message="of model parcels?a=1"),
    Rest(f"{BODY} uri_path holds the query", f"POST {MODEL}:predict?a=1", BAD, {}, "Malformed request: POST"),
    Rest(f"{UTIL} ParseModelInfo", f"GET {MODEL}/", BAD, message="Malformed request: GET"),
    Rest(f"{UTIL} ParseModelInfo", f"GET {MODEL}:predict", BAD, message="Malformed request: GET"),
    Rest(f"{HANDLER} ProcessRequest", f"POST {MODEL}", BAD, {}, "Malformed request: POST"),
    Rest(f"{HANDLER} ProcessRequest", f"POST {MODEL}:PREDICT", BAD, {}, "Malformed request: POST"),
    Rest(f"{HANDLER} ProcessRequest", f"POST {MODEL}:explain", BAD, {}, "Malformed request: POST"),
    Rest(f"{HANDLER} ProcessRequest", f"PUT {MODEL}", BAD, {}, f"Malformed request: PUT {MODEL}"),
    Rest(f"{HANDLER} ProcessRequest", f"DELETE {MODEL}", BAD, message=f"Malformed request: DELETE {MODEL}"),
    Rest(f"{HANDLER} ProcessRequest", f"PATCH {MODEL}", BAD, {}, f"Malformed request: PATCH {MODEL}"),
    Rest(f"{HANDLER} ProcessRequest", f"HEAD {MODEL}", BAD),
    Rest(f"{SERVER} RestApiRequestDispatcher, a page of another origin", f"OPTIONS {MODEL}:predict", OK, headers=ORIGIN),
    Rest(f"{SERVER} RestApiRequestDispatcher", f"OPTIONS {MODEL}:predict", BAD),
    Rest(f"{EVENTS} DispatchEvRequest", "GET /v2/models/parcels", MISSING, message="Not found"),
    Rest(f"{EVENTS} DispatchEvRequest", "GET /", MISSING, message="Not found"),
    Rest(f"{UTIL} ParseModelInfo", "GET /v1/nothing", BAD, message="Malformed request: GET /v1/nothing"),
]

CALLS = [
    Rest(f"{JSON} MakeRowFormatJsonFromTensors", PREDICT, OK, ROWS, keys=("predictions",)),
    Rest(f"{JSON} MakeColumnarFormatJsonFromTensors", PREDICT, OK, RAW | {"inputs": {"*": ROW}}, keys=("outputs",)),
    Rest(f"{CORE} ServableRequestFromModelSpec", f"POST {MODEL}/versions/1:predict", OK, ROWS, keys=("predictions",)),
    Rest(f"{CORE} ServableRequestFromModelSpec", f"POST {MODEL}/labels/stable:predict", OK, ROWS, keys=("predictions",)),
    Rest(f"{MANAGER} GetUntypedServableHandle", "POST /v1/models/nobody:predict", MISSING, ROWS, "request: Latest(nobody)"),
    Rest(f"{MANAGER}", f"POST {MODEL}/versions/7:predict", MISSING, ROWS, "request: Specific(parcels, 7)"),
    Rest(f"{CORE} GetModelVersionForLabel", f"POST {MODEL}/labels/nope:predict", BAD, ROWS, "servable version label: nope"),
    Rest(f"{CORE} before the model", "POST /v1/models/nobody/labels/nope:predict", BAD, ROWS, "version label: nope"),
    Rest(f"{HANDLER} ProcessPredictRequest, JSON before the model", "POST /v1/models/nobody:predict", BAD, b"{", "Parse error"),
    Rest(f"{HANDLER} GetInfoMap", PREDICT, BAD, {"signature_name": "nope", "instances": [1]}, '"nope" not found in signature'),
    Rest(
        f"{JSON} MakeJsonFromClassificationResult",
        CLASSIFY,
        OK,
        {"signature_name": "classify", "examples": [FEATURES]},
        keys=("results",),
    ),
    Rest(
        f"{JSON} MakeJsonFromRegressionResult",
        REGRESS,
        OK,
        {"signature_name": "regress", "examples": [FEATURES]},
        keys=("results",),
    ),
    Rest(
        f"{JSON} FillClassifyRegressRequestFromJson",
        REGRESS,
        OK,
        {"signature_name": "regress", "context": FEATURES, "examples": [{}]},
        keys=("results",),
    ),
    Rest(
        f"{CLASSIFIER} GetClassificationSignatureDef",
        CLASSIFY,
        BAD,
        {"signature_name": "nope", "examples": [FEATURES]},
        "No signature was found with the name: nope",
    ),
    Rest(f"{CLASSIFIER} PreProcessClassification", CLASSIFY, BAD, {"examples": [FEATURES]}, "one input Tensor"),
    Rest(f"{REGRESSOR} PreProcessRegression", REGRESS, BAD, {"signature_name": "classify", "examples": [FEATURES]}, "outputs"),
]

BODIES = [
    Rest(f"{JSON} ParseJson", PREDICT, BAD, b"", "JSON Parse error: The document is empty"),
    Rest(f"{JSON} ParseJson", PREDICT, BAD, b"{", "JSON Parse error: "),
    Rest(f"{JSON} ParseJson", PREDICT, BAD, b"[1]", "Is not object"),
    Rest(f"{JSON} ParseJson, kParseStopWhenDoneFlag", PREDICT, OK, b"%s ] and so on", keys=("predictions",)),
    Rest(f"{JSON} ParseJson, EncodedInputStream", PREDICT, OK, b"\xef\xbb\xbf\r\n%s", keys=("predictions",)),
    Rest(f"{JSON} FillPredictRequestFromJson, other keys", PREDICT, OK, ROWS | {"mood": 2}, keys=("predictions",)),
    Rest(
        f"{JSON} FillSignature", PREDICT, BAD, {"signature_name": 3, "instances": [1]}, "'signature_name' key must be a string"
    ),
    Rest(f"{JSON} FillPredictRequestFromJson", PREDICT, BAD, {}, "Missing 'inputs' or 'instances' key"),
    Rest(f"{JSON}", PREDICT, BAD, {"instances": [1], "inputs": [1]}, "only one of 'inputs' or 'instances' keys to exist"),
    Rest(f"{JSON}", PREDICT, BAD, {"instances": 3}, "Expecting 'instances' to be an list/array"),
    Rest(f"{JSON}", PREDICT, BAD, {"instances": []}, "No values in 'instances' array"),
    Rest(f"{JSON} FillTensorMapFromInstancesList", PREDICT, BAD, RAW | {"instances": [3]}, "instances is a plain list"),
    Rest(f"{JSON}", PREDICT, BAD, RAW | {"instances": [ROW, 3]}, "Expecting object but got list at item 1 of input list"),
    Rest(f"{JSON}", PREDICT, BAD, {"instances": [EXAMPLE, {"a": 1}]}, "Expecting value/list but got object at item 1"),
    Rest(f"{JSON} AddInstanceItem", PREDICT, BAD, RAW | {"instances": [EXTRA]}, "does not have named input: mood"),
    Rest(f"{JSON}", PREDICT, BAD, RAW | {"instances": [ROW, LACKING]}, "Failed to process element: 1 of 'instances' list"),
    Rest(f"{JSON} AddInstanceItem, no signature_name", PREDICT, BAD, {"instances": [ROW]}, "does not have named input: "),
    Rest(f"{JSON} FillTensorMapFromInputsMap", PREDICT, BAD, RAW | {"inputs": [1]}, "inputs is a plain value/list"),
    Rest(f"{JSON}", PREDICT, BAD, RAW | {"inputs": {"*": LACKING}}, "Missing named input: price in 'inputs' object"),
    Rest(f"{JSON} FillTensorMapFromInputsMap, other inputs", PREDICT, OK, RAW | {"inputs": {"*": EXTRA}}, keys=("outputs",)),
    Rest(f"{JSON} AddValueToTensor", PREDICT, BAD, RAW | {"instances": [{ROW: {"price": None}}]}, "price"),
    Rest(f"{JSON} AddValueToTensor", PREDICT, BAD, RAW | {"instances": [{ROW: {"price": "cheap"}}]}, "price"),
    Rest(f"{JSON} AddValueToTensor", PREDICT, BAD, RAW | {"instances": [{ROW: {"price": True}}]}, "price"),
    Rest(f"{JSON} AddValueToTensor", PREDICT, BAD, RAW | {"instances": [{ROW: {"gift": 0.5}}]}, "gift"),
    Rest(f"{JSON} AddValueToTensor", PREDICT, OK, RAW | {"instances": [{ROW: {"price": 40}}]}, keys=("predictions",)),
    Rest(f"{JSON} JsonDecodeBase64Object", PREDICT, BAD, RAW | {"instances": [{ROW: {"shop": {"b64": "%"}}}]}, "shop"),
    Rest(
        f"{JSON} kParseNanAndInfFlag", PREDICT, OK, RAW | {"instances": [{ROW: {"price": float("nan")}}]}, keys=("predictions",)
    ),
    Rest(f"{JSON} FillTensorProto", PREDICT, BAD, RAW | {"inputs": {"*": ROW, "price": [[1.0], [2.0, 3.0]]}}, "price"),
    Rest(f"{JSON} FillClassifyRegressRequestFromJson", CLASSIFY, BAD, {}, "key 'examples' is expected and was not found"),
    Rest(f"{JSON}", CLASSIFY, BAD, {"examples": 3}, "Expecting 'examples' value to be an list/array"),
    Rest(f"{JSON}", CLASSIFY, BAD, {"examples": []}, "'examples' value is an empty array"),
    Rest(f"{JSON} MakeExampleFromJsonObject", CLASSIFY, BAD, {"examples": [3]}, "Example must be JSON object but got JSON"),
    Rest(f"{JSON} AddValueToFeature", CLASSIFY, BAD, {"examples": [{"price": None}]}, "price"),
    Rest(f"{JSON} IncompatibleFeatureKindError", CLASSIFY, BAD, {"examples": [{"price": [1, 2.5]}]}, "Unexpected element type"),
    Rest(
        f"{JSON} AddValueToFeature, a bool is 1 or 0",
        REGRESS,
        OK,
        {"signature_name": "regress", "examples": [{FEATURES: {"gift": True}}]},
        keys=("results",),
    ),
    Rest(
        f"{JSON} MakeExampleFromJsonObject, no values",
        REGRESS,
        OK,
        {"signature_name": "regress", "examples": [{FEATURES: {"price": []}}]},
        keys=("results",),
    ),
    Rest("the model's own operation", PREDICT, BAD, {"instances": [CODED]}, "example"),
    Rest(f"{BODY} NeedUncompressGzipContent", PREDICT, OK, ROWS, keys=("predictions",), headers=GZIP),
    Rest(f"{BODY} ReadRequestGzipBytes, then nothing is left", PREDICT, BAD, b"{}", "The document is empty", headers=GZIP),
    Rest(
        f"{BODY} EvSendReply, which compresses nothing",
        PREDICT,
        OK,
        ROWS,
        keys=("predictions",),
        headers={"Accept-Encoding": "gzip"},
    ),
]


def filled(content: Any, row: dict, example: bytes, features: dict) -> Any:
    """The content with real values in the place of ROW and the like; `{"*": row}` is a row as columns."""
    known = {
        ROW: row,
        LACKING: {name: value for name, value in row.items() if name != "price"},
        EXTRA: row | {"mood": 1},
        EXAMPLE: {"b64": base64.b64encode(example).decode()},
        FEATURES: features,
    }
    if isinstance(content, list):
        return [filled(each, row, example, features) for each in content]
    if isinstance(content, dict):
        result: dict = {}
        for name, value in content.items():
            if name == "*":
                result |= {column: [one] for column, one in known[value].items()}
            elif name in known:
                result |= known[name] | value
            else:
                result[name] = filled(value, row, example, features)
        return result
    return known.get(content, content) if isinstance(content, str) else content


def sent(each: Rest, row: dict, example: bytes, features: dict) -> bytes | None:
    """The bytes of its body."""
    if each.body is None:
        return None
    if isinstance(each.body, bytes):
        whole = json.dumps(filled(ROWS, row, example, features)).encode()
        return each.body.replace(b"%s", whole)
    body = json.dumps(filled(each.body, row, example, features)).encode()
    return gzip.compress(body) if each.headers == GZIP else body
