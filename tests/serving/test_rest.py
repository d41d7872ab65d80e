import asyncio
import base64
import gzip
import json
import re
import shlex
import socket
import subprocess
from contextlib import ExitStack

import httpx
import numpy as np
import pytest
from conftest import REPOSITORY

from serving.local_server import parse
from serving.server.rest import LARGE, TOGETHER, Rest
from serving.server.run import make_core
from tests.serving.servers import MODEL

PATH = f"/v1/models/{MODEL}"


@pytest.fixture(scope="module")
def web(server):
    with httpx.Client(base_url=f"http://{server.rest}", timeout=20) as client:
        yield client
        assert client.get(PATH).status_code == 200, "no bad request of this file has ended the server"


def ask(web, content, path=PATH + ":predict"):
    return web.post(path, content=content if isinstance(content, str | bytes) else json.dumps(content))


def raw(rows):
    return {"signature_name": "raw", "instances": rows}


@pytest.mark.parametrize("path", [PATH, PATH + "/versions/1", PATH + "/labels/stable"])
def test_status(web, path):
    [status] = web.get(path).json()["model_version_status"]
    assert status == {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}


def test_metadata_names_every_signature_as_the_savedmodel_does(web, model):
    found = web.get(PATH + "/metadata").json()
    assert found["model_spec"]["name"] == MODEL
    assert found["model_spec"]["version"] == "1"
    signatures = found["metadata"]["signature_def"]["signature_def"]
    assert set(signatures) == {*model.signatures, "__saved_model_init_op"}
    assert signatures["raw"]["inputs"]["price"]["dtype"] == "DT_FLOAT"


@pytest.mark.parametrize("path", ["", "/versions/1", "/labels/stable"])
def test_rows_get_the_models_answers(web, rows, scores, path):
    response = ask(web, raw(rows), f"{PATH}{path}:predict")
    assert response.status_code == 200, response.text
    np.testing.assert_allclose(json.loads(response.text)["predictions"], scores, atol=1e-6)


def test_columns_get_the_same(web, rows, scores):
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    response = ask(web, {"signature_name": "raw", "inputs": columns})
    np.testing.assert_allclose(response.json()["outputs"], scores, atol=1e-6)


@pytest.mark.parametrize("named", [True, False])
def test_serialized_examples_get_the_same(web, examples, scores, named):
    coded = [{"b64": base64.b64encode(example).decode()} for example in examples]
    response = ask(web, {"instances": [{"examples": each} for each in coded] if named else coded})
    np.testing.assert_allclose(response.json()["predictions"], scores, atol=1e-6)


def test_several_outputs_are_named(web, examples):
    coded = [{"b64": base64.b64encode(example).decode()} for example in examples[:2]]
    found = ask(web, {"signature_name": "transform_features", "instances": coded}).json()["predictions"]
    assert len(found) == 2
    assert {"price", "shop", "weekday"} < set(found[0])


def test_classify_and_regress_take_features(web, rows, scores):
    present = [{name: value for name, value in row.items() if value == value and value != ""} for row in rows]  # noqa: PLR0124
    found = ask(web, {"signature_name": "classify", "examples": present}, PATH + ":classify").json()["results"]
    assert [label for label, _ in found[0]] == ["returned", "not returned"]
    np.testing.assert_allclose([classes[0][1] for classes in found], scores, atol=1e-6)
    context = {"shop": present[0]["shop"]}
    rest = {name: value for name, value in present[0].items() if name != "shop"}
    content = {"signature_name": "regress", "context": context, "examples": [rest]}
    assert ask(web, content, PATH + ":regress").json()["results"] == pytest.approx([scores[0]], abs=1e-6)


def test_ten_thousand_rows_in_one_call(web, rows, scores):
    few = {name: [row[name] for row in rows] * 157 for name in rows[0]}
    found = ask(web, {"signature_name": "raw", "inputs": few}).json()["outputs"]
    assert len(found) == 64 * 157
    np.testing.assert_allclose(found[-64:], scores, atol=1e-6)


BAD_ROWS = [
    ({"price": None}, "price, value 0 is null; expected float32. Where it is missing, send NaN."),
    ({"shop": None}, 'shop, value 0 is null; expected string. Where it is missing, send "".'),
    ({"price": "cheap"}, 'price, value 0 is "cheap"; expected float32'),
    ({"price": True}, "price, value 0 is true; expected float32"),
    ({"price": {"b64": "AA=="}}, "price, value 0 is"),
    ({"price": [1.0]}, "price"),
    ({"shop": 3}, "shop, value 0 is 3; expected string"),
    ({"shop": {"b64": "%"}}, "shop"),
    ({"shop": {"base64": "AA=="}}, "shop"),
    ({"shop": "\ud800"}, "shop"),
    ({"gift": 0.5}, "gift, value 0 is 0.5; expected int64"),
    ({"gift": 2**70}, "gift"),
    ({"mood": 1}, "mood"),
]


@pytest.mark.parametrize(("change", "message"), BAD_ROWS)
def test_a_wrong_value_is_named(web, rows, change, message):
    response = ask(web, raw([rows[0] | change]))
    assert response.status_code == 400
    assert message in response.json()["error"]


def test_a_missing_input_is_named_with_its_row(web, rows):
    lacking = {name: value for name, value in rows[1].items() if name != "price"}
    response = ask(web, raw([rows[0], lacking]))
    assert (response.status_code, "price" in response.json()["error"]) == (400, True)
    assert "element: 1" in response.json()["error"]
    assert response.json()["error"].endswith("Missing: price. Where a value is missing, send NaN for a number.")
    columns = {name: [value] for name, value in lacking.items() if name != "shop"}
    error = ask(web, {"signature_name": "raw", "inputs": columns}).json()["error"]
    assert error.endswith('Where a value is missing, send NaN for a number, "" for a text.')


@pytest.mark.parametrize("call", ["classify", "regress"])
def test_a_signature_that_does_not_fit_a_call_is_answered_with_the_one_that_does(web, call):
    error = ask(web, {"examples": [{"price": 1.0}]}, f"{PATH}:{call}").json()["error"]
    assert error.endswith(f"serving_default takes examples and gives probability. Name another one in signature_name: {call}.")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, -1e300, 3e38])
def test_any_number_gets_an_answer(web, rows, value):
    every = {name: value if isinstance(old, float) else old for name, old in rows[0].items()}
    response = ask(web, raw([every]))
    assert response.status_code == 200
    assert len(json.loads(response.text)["predictions"]) == 1


BAD_BODIES = [
    (b"\xff\xfe", 400, "JSON Parse error"),
    (b"[" * 100_000, 400, "JSON Parse error"),
    (b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}", 400, "input examples is not a tensor"),
    (b'{"signature_name": "raw", "inputs": {"price": [1]}}', 400, "Missing named input: country"),
    (b'{"instances": ["no tf.Example"]}', 400, "example"),
    (b'{"instances": ["%s"]}' % (b"x" * 5_000_000), 413, "4194304 bytes"),
]


@pytest.mark.parametrize(("content", "code", "message"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_wrong_body_is_refused(web, content, code, message):
    response = ask(web, content)
    assert response.status_code == code, response.text
    assert message in response.json()["error"]


BAD_EXAMPLES = [{"examples": [{"\ud800": 1}]}, {"examples": [{"a": [1.5, 10**400]}]}]


@pytest.mark.parametrize("content", BAD_EXAMPLES, ids=range(len(BAD_EXAMPLES)))
def test_wrong_examples_are_refused(web, content):
    assert ask(web, content | {"signature_name": "classify"}, PATH + ":classify").status_code == 400


def test_clients_that_send_no_body_take_nobodys_place(web, server, rows):
    host, port = server.rest.split(":")
    header = f"POST {PATH}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n".encode()
    with ExitStack() as held:
        for _ in range(parse([]).max_in_flight):
            held.enter_context(socket.create_connection((host, int(port)))).sendall(header)
        with socket.create_connection((host, int(port))) as last:  # once it is answered, those before it are in
            last.sendall(header + b" " * 100)
            assert b"400 Bad Request" in last.recv(1000)
        assert ask(web, raw(rows)).status_code == 200


def inside(core, work, *, max_body=LARGE, timeout=20.0):
    """Runs `work(client)` in the event loop of a REST API of this process."""
    app = Rest(core, max_body, timeout)

    async def loop():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            return await work(client)

    return asyncio.run(loop())


def test_a_body_that_does_not_come_is_given_up_in_time(models):
    async def stalled():
        yield b'{"instances":'
        await asyncio.Event().wait()

    response = inside(
        make_core(parse([f"--models={models}"])), lambda web: web.post(PATH + ":predict", content=stalled()), timeout=0.1
    )
    assert response.status_code == 504
    assert response.json() == {"error": "No answer within 0.1 s."}


def test_bodies_that_arrive_have_a_bounded_memory(models):
    """Of a model that is not loaded: what is read is answered with 404."""
    size = 100_000

    async def work(web):
        arrived, rest = asyncio.Semaphore(0), asyncio.Event()

        async def slowly():
            yield b" " * size
            arrived.release()
            await rest.wait()

        async def code(content):
            return (await web.post(PATH + ":predict", content=content)).status_code

        waiting = [asyncio.create_task(code(slowly())) for _ in range(TOGETHER)]
        for _ in waiting:
            await arrived.acquire()
        meanwhile = await code(b" " * size), await code(b"{}")
        rest.set()
        return *meanwhile, await asyncio.gather(*waiting), await code(b" " * size)

    core = make_core(parse([f"--models={models}", "--max_in_flight=1"]))
    large, small, waited, after = inside(core, work, max_body=size)
    assert (large, small) == (429, 404), "large ones are refused, small ones always have room"
    assert set(waited) == {400}, "blanks are no JSON"
    assert after == 400


@pytest.mark.parametrize("verb", ["predict", "classify"])
def test_others_are_answered_while_a_large_body_is_read(models, verb):
    key = "instances" if verb == "predict" else "examples"
    large = b'{"signature_name": "%s", "%s": [%s]}' % (verb.encode(), key.encode(), b",".join([b"[]"] * (LARGE // 3)))

    async def work(web):
        order = []

        async def answered(name, request):
            order.append((name, (await request).status_code))

        await asyncio.gather(answered("large", web.post(f"{PATH}:{verb}", content=large)), answered("status", web.get(PATH)))
        return order

    core = make_core(parse([f"--models={models}"]))
    core.versions.poll()
    assert inside(core, work, max_body=2 * LARGE) == [("status", 200), ("large", 400)]


@pytest.mark.parametrize(
    ("body", "wrong"), [({"instances": True}, "shop"), ({"inputs": True}, "inputs"), ({"instances": False}, "price")]
)
def test_a_signature_that_was_forgotten_is_named(web, rows, body, wrong):
    """Raw rows go to the default signature, which takes tf.Examples."""
    (key, whole), *_ = body.items()
    row = rows[0] if whole else {"price": 40.0}
    content = {key: [row] if key == "instances" else {name: [value] for name, value in row.items()}}
    response = ask(web, content)
    assert response.status_code == 400
    assert wrong in response.json()["error"]
    assert response.json()["error"].endswith('Signature raw takes such inputs: name it, "signature_name": "raw".')


def test_a_gzipped_body_is_counted_as_what_it_holds(web, rows):
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < 100_000
    zipped = {"Content-Encoding": "gzip"}
    response = web.post(PATH + ":predict", content=bomb, headers=zipped)
    assert (response.status_code, "over 4194304 bytes" in response.text) == (413, True)
    whole = gzip.compress(json.dumps(raw(rows)).encode())
    assert web.post(PATH + ":predict", content=whole[:-9], headers=zipped).status_code == 400
    assert web.post(PATH + ":predict", content=whole, headers=zipped).status_code == 200


def test_the_readmes_curl_lines_do_what_it_says(server, rows, tmp_path):
    (tmp_path / "request.json").write_text(json.dumps(raw(rows[:1])))
    text = (REPOSITORY / "serving/README.md").read_text()
    commands = re.findall(r"^\$ (curl .*(?:\\\n.*)*)", text, re.MULTILINE)
    assert commands, "the README shows curl"
    for command in commands:  # its model and request are the example's
        here = re.sub(r"localhost:8501/v1/models/\w+", f"{server.rest}{PATH}", command)
        here = re.sub(r"@\S+/request\.json", f"@{tmp_path}/request.json", here)
        arguments = shlex.split(here.replace("\\\n", " "))
        found = subprocess.run(arguments, capture_output=True, text=True, check=True, cwd=REPOSITORY)
        answer = json.loads(found.stdout)
        assert "error" not in answer
        if ":predict" in command:
            assert 0 < answer["predictions"][0] < 1
