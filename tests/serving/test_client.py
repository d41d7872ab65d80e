import http.server
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from components.shared.errors import BadConfig, BadData
from serving import predict
from serving.client import Client, Target, connect
from serving.refused import Refused, StatusCode
from tests.serving.servers import MODEL
from tests.stubs import answering


@pytest.fixture(params=["http", "grpc"])
def client(request, server):
    address = server.rest if request.param == "http" else server.grpc
    with connect(Target(f"{request.param}://{address}", MODEL)) as made:
        yield made


def test_a_frame_gets_the_models_answers(client: Client, frame, scores):
    found = client.predict(frame)  # its date and label are not sent
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, scores, atol=1e-6)


def test_objects_get_the_same_and_what_is_missing_may_be_left_out(client: Client, rows, scores):
    present = [{name: value for name, value in row.items() if not pd.isna(value)} for row in rows]
    np.testing.assert_allclose(client.predict(present), scores, atol=1e-6)
    np.testing.assert_allclose(client.predict([row | {"weight": None} for row in present[:1]]), scores[:1], atol=0.2)


def test_states(client: Client):
    assert client.states() == {1: "AVAILABLE"}


def test_a_label_and_a_version(server, frame, scores):
    for chosen in ({"label": "stable"}, {"version": 1}):
        for url in (f"http://{server.rest}", f"grpc://{server.grpc}"):
            with connect(Target(url, MODEL, **chosen)) as made:
                np.testing.assert_allclose(made.predict(frame), scores, atol=1e-6)


BAD = [
    ({"mood": 1}, "row 2: mood is not an input"),
    ({"price": "cheap"}, "row 2: price is 'cheap'; expected float"),
    ({"gift": None}, "row 2: gift is missing; expected int64"),
    ({"gift": 0.5}, "row 2: gift is 0.5; expected int64"),
    ({"gift": True}, "row 2: gift is True; expected int64"),
    ({"shop": 7}, "row 2: shop is 7; expected string"),
    ({"price": 10**400}, "row 2: price is 10+; expected float"),
    ({"gift": 10**30}, "row 2: gift is 10+; expected int64"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_a_wrong_row_is_not_sent(client: Client, rows, change, message):
    with pytest.raises(BadData, match=message):
        client.predict([rows[0], rows[1] | change])


def test_no_rows_and_a_frame_without_a_column_are_not_sent(client: Client, frame):
    with pytest.raises(BadData, match="no rows"):
        client.predict([])
    with pytest.raises(BadData, match="no column price"):
        client.predict(frame.drop(columns="price"))


def test_a_refusal_has_its_code(server, rows):
    for url in (f"http://{server.rest}", f"grpc://{server.grpc}"):
        with connect(Target(url, "nobody")) as made, pytest.raises(Refused, match="Latest\\(nobody\\)") as caught:
            made.predict(rows)
        assert caught.value.code is StatusCode.NOT_FOUND


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "grpc://127.0.0.1:1"])
def test_a_server_that_is_not_there_is_unavailable(url, rows):
    with connect(Target(url, MODEL, attempts=2)) as made, pytest.raises(Refused) as caught:
        made.predict(rows)
    assert caught.value.code is StatusCode.UNAVAILABLE


@pytest.fixture
def stub():
    """A stub server that gives the answers of `stub.answers`, in order, and counts the requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, content = self.server.answers[min(self.server.count, len(self.server.answers) - 1)]
            self.server.count += 1
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with answering(Handler) as stub:
        stub.count, stub.answers = 0, []
        yield stub


GOOD = json.dumps({"model_version_status": [{"version": "1", "state": "AVAILABLE"}]}).encode()


def ask(stub, **settings):
    with connect(Target(f"http://127.0.0.1:{stub.server_address[1]}", MODEL, **settings)) as made:
        return made.states()


def test_only_a_server_that_is_unavailable_is_asked_again(stub):
    stub.answers = [(503, b"busy"), (503, b'{"error": "loading"}'), (200, GOOD)]
    assert ask(stub) == {1: "AVAILABLE"}
    assert stub.count == 3
    for status, code in ((429, StatusCode.RESOURCE_EXHAUSTED), (400, StatusCode.INVALID_ARGUMENT), (500, StatusCode.INTERNAL)):
        stub.count, stub.answers = 0, [(status, b'{"error": "no"}'), (200, GOOD)]
        with pytest.raises(Refused, match="no") as caught:
            ask(stub)
        assert (caught.value.code, stub.count) == (code, 1)


def test_it_gives_up_with_the_servers_words(stub):
    stub.answers = [(503, b'{"error": "loading"}')]
    with pytest.raises(Refused, match="loading"):
        ask(stub, attempts=2)
    assert stub.count == 2


NOT_OF_A_MODEL_SERVER = [
    b"<!doctype html>\n<title>Welcome</title>",
    b"",
    b"[]",
    b'{"ok": true}',
    b'{"model_version_status": [1]}',
    b'{"model_version_status": [{"version": "one", "state": "AVAILABLE"}]}',
    b"[" * 100_000,
]


@pytest.mark.parametrize("content", NOT_OF_A_MODEL_SERVER)
def test_an_answer_that_is_no_model_servers_is_refused(stub, content):
    stub.answers = [(200, content)]
    with pytest.raises(
        Refused, match=f"/v1/models/{MODEL} answered HTTP 200: .* Expected the JSON of a model server"
    ) as caught:
        ask(stub)
    assert (caught.value.code, stub.count) == (StatusCode.UNKNOWN, 1)


def test_the_command_line_says_that_a_web_server_is_no_model_server(stub, tmp_path, capsys):
    stub.answers = [(200, b"<html>")]
    (tmp_path / "row.json").write_text("{}")
    assert predict.main(["--server", f"http://127.0.0.1:{stub.server_port}", "--json", str(tmp_path / "row.json")]) == 1
    assert "/metadata answered HTTP 200: '<html>'. Expected the JSON of a model server" in capsys.readouterr().err


NO_SERVERS = ["ftp://a", "nonsense", "http://", "http://localhost:abc", "http://localhost:99999", "http://[", "http://:80"]


@pytest.mark.parametrize("url", [*NO_SERVERS, "http://a\x00b", "http://\N{SNOWMAN}", "grpc://localhost:abc"])
def test_what_is_no_server_is_said_so(url):
    with pytest.raises(BadConfig, match="is not a server"):
        connect(Target(url, MODEL))


def test_a_host_whose_name_is_too_long_is_unavailable():
    with connect(Target(f"http://{'a' * 300}", MODEL, attempts=1)) as made, pytest.raises(Refused, match="cannot be reached"):
        made.states()


def test_a_name_that_no_model_has_is_refused_by_the_server(server):
    with (
        connect(Target(f"http://{server.rest}", "no\nbody?")) as made,
        pytest.raises(Refused, match="any versions of model no\nbody"),
    ):
        made.states()


def test_a_program_that_calls_over_grpc_is_not_greeted_by_tensorflow():
    code = "from serving.client import Target, connect; connect(Target('grpc://127.0.0.1:1', 'm')).close()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_a_version_and_a_label_are_too_much():
    with pytest.raises(BadConfig, match="at most one"):
        connect(Target("http://a", MODEL, version=1, label="stable"))


NAMED = ("--model", MODEL)


def test_the_command_line_answers_json_and_csv(server, frame, rows, scores, tmp_path, capsys):  # noqa: PLR0917
    (tmp_path / "row.json").write_text(json.dumps({n: None if pd.isna(v) else v for n, v in rows[0].items()}))
    assert predict.main(["--server", f"http://{server.rest}", *NAMED, "--json", str(tmp_path / "row.json")]) == 0
    assert capsys.readouterr().out == f"probability {scores[0]:.4f}\n"
    (tmp_path / "request.json").write_text(f'{{"instances": [{(tmp_path / "row.json").read_text()}]}}')
    assert predict.main(["--server", f"http://{server.rest}", *NAMED, "--json", str(tmp_path / "request.json")]) == 0
    assert capsys.readouterr().out == f"probability {scores[0]:.4f}\n"
    frame.to_csv(tmp_path / "rows.csv", index=False)
    assert (
        predict.main(["--server", f"http://{server.rest}", *NAMED, "--csv", str(tmp_path / "rows.csv"), "--label", "stable"])
        == 0
    )
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split(",") == [*frame.columns, "probability"]
    found = [float(line.split(",")[-1]) for line in printed[1:]]
    np.testing.assert_allclose(found, scores, atol=1e-5)


def test_the_command_line_says_what_is_wrong(server, tmp_path, capsys):
    (tmp_path / "row.json").write_text('{"mood": 1}')
    assert predict.main(["--server", f"http://{server.rest}", *NAMED, "--json", str(tmp_path / "row.json")]) == 3
    assert "BadData: row 1: mood is not an input" in capsys.readouterr().err
    assert predict.main(["--server", f"http://{server.rest}", "--model", "nobody", "--json", str(tmp_path / "row.json")]) == 1
    assert "NOT_FOUND: " in capsys.readouterr().err
    (tmp_path / "row.json").write_text("[" * 100_000)
    assert predict.main(["--server", f"http://{server.rest}", *NAMED, "--json", str(tmp_path / "row.json")]) == 3
    assert "cannot be read as JSON" in capsys.readouterr().err
