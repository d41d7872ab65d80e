"""The server's command line, its addresses, its full queue and its end."""

import asyncio
import json
import os
import signal
import socket
import threading
import time

import httpx
import pytest

from components.canary.server import free_ports
from components.shared.errors import RootUnusable
from serving.client import Target, connect
from serving.local_server import main, parse
from serving.server.run import follow, listen, make_core, make_web
from tests.serving.servers import MODEL, serving, serving_here, state


@pytest.mark.parametrize(("folders", "file", "looks"), [(0, 0, False), (0.1, 0, True), (0, 1, True)])
def test_a_wait_of_zero_looks_once(own_models, folders, file, looks):
    """main.cc: file_system_poll_wait_seconds and model_config_file_poll_wait_seconds."""
    (own_models / "models.config").write_text(
        f'model_config_list {{ config {{ name: "{MODEL}" base_path: "{own_models / MODEL}" model_platform: "tensorflow" }} }}'
    )
    flags = f"--file_system_poll_wait_seconds={folders}", f"--model_config_file_poll_wait_seconds={file}"
    options = parse([f"--model_config_file={own_models / 'models.config'}", *flags])
    following = asyncio.wait_for(follow(make_core(options).versions, options), 0.5)
    if looks:
        with pytest.raises(TimeoutError):
            asyncio.run(following)
    else:
        asyncio.run(following)  # comes to its end


def test_a_time_out_of_zero_is_none(own_models):
    """http_rest_api_handler.cc HttpRestApiHandler: only a positive time-out is set."""
    for flag, seconds in (("0", None), ("-1", None), ("1500", 1.5)):
        options = parse([f"--models={own_models}", f"--rest_api_timeout_in_ms={flag}"])
        assert make_web(make_core(options), options).config.app._timeout == seconds


def test_it_listens_at_an_address_of_ipv6(own_models, rows):
    with serving_here(own_models, host="::1") as server:
        assert server.rest.startswith("[::1]:")
        for url in (f"http://{server.rest}", f"grpc://{server.grpc}"):
            with connect(Target(url, MODEL)) as client:
                assert len(client.predict(rows[:3])) == 3
        assert f"REST http://{server.rest}/v1/models/{MODEL}" in server.log.read_text()


def test_brackets_around_an_address_of_ipv6_are_taken_off():
    assert parse(["--host=[::1]"]).host == "::1"


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--port=70000", "'70000' is not a port; expected a number up to 65535"),
        ("--rest_api_port=8500", "--port and --rest_api_port are both 8500"),
        ("--port=0", "--port is 0, which would turn gRPC off"),
        ("--file_system_poll_wait_seconds=-1", "expected seconds, or 0 to look once"),
        ("--max_in_flight=0", "--max_in_flight: 0; expected 1 or more"),
        ("--model_base_pth=/m", "unrecognized arguments: --model_base_pth=/m"),
    ],
)
def test_a_command_line_that_cannot_be_served_says_why(capfd, flag, message):
    try:
        code = main([flag])
    except SystemExit as error:
        code = error.code
    said = capfd.readouterr()
    assert message in said.out + said.err
    assert code == 2


@pytest.mark.parametrize(("host", "asked"), [("::", "127.0.0.1"), ("::", "::1"), ("localhost", "localhost")])
def test_an_address_of_all_listens_at_all(host, asked):
    port = free_ports()[0]
    with listen(host, port), socket.create_connection((asked, port), timeout=5):
        pass


def test_an_address_that_is_not_of_this_machine_is_named():
    with pytest.raises(RootUnusable, match=r"203.0.113.7:8501 cannot be listened at: .* with --rest_api_port and --host"):
        listen("203.0.113.7", 8501)


def test_sigterm_answers_what_is_in_flight(own_models, rows):
    with serving(own_models) as server:
        answers, many = [], json.dumps({"signature_name": "raw", "instances": rows * 40})
        connected = threading.Barrier(5, timeout=30)

        def ask():
            with httpx.Client(base_url=f"http://{server.rest}", timeout=30) as web:
                web.get(f"/v1/models/{MODEL}")
                connected.wait()
                answers.append(web.post(f"/v1/models/{MODEL}:predict", content=many).status_code)

        asking = [threading.Thread(target=ask) for _ in range(4)]
        for each in asking:
            each.start()
        connected.wait()
        time.sleep(0.1)
        os.kill(server.process.pid, signal.SIGTERM)
        for each in asking:
            each.join()
        assert server.process.wait(30) == 0
        assert answers == [200] * 4


def test_sigterm_does_not_wait_for_a_body_that_does_not_come(own_models):
    with serving(own_models) as server:
        host, port = server.rest.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(f"POST /v1/models/{MODEL}:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode())
            assert state(server, 1) == "AVAILABLE"  # of a later connection: the first one is in
            os.kill(server.process.pid, signal.SIGTERM)
            assert server.process.wait(20) == 0, "it gives 10 s"


def test_a_full_queue_is_said_so_and_passes(own_models, rows, tmp_path):
    parameters = tmp_path / "batching.config"
    parameters.write_text(
        "max_execution_batch_size { value: 8 } max_batch_size { value: 16 } enable_large_batch_splitting { value: true } "
        "max_enqueued_batches { value: 2 } num_batch_threads { value: 1 }"
    )
    with serving_here(own_models, f"--batching_parameters_file={parameters}") as server:
        url = f"http://{server.rest}/v1/models/{MODEL}:predict"
        many = json.dumps({"signature_name": "raw", "instances": rows[:16]})
        codes = []

        def ask():
            with httpx.Client() as web:
                codes.extend(web.post(url, content=many).status_code for _ in range(30))

        asking = [threading.Thread(target=ask) for _ in range(8)]
        for each in asking:
            each.start()
        for each in asking:
            each.join()
        assert set(codes) == {200, 503}
        assert httpx.post(url, content=many).status_code == 200
        over = httpx.post(url, content=json.dumps({"signature_name": "raw", "instances": rows[:17]}))
        assert over.status_code == 400
        assert "Task size 17 is larger than maximum input batch size 16" in over.json()["error"]
