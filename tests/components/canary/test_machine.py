"""A machine's trouble fails the node and refuses no model; a stub of a server has it, beside one that has not."""

import json
import os
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2
from tfx.components.infra_validator.executor import Executor as StockExecutor
from tfx.types import standard_artifacts

from components.canary.docker import Executor as DockerExecutor
from components.canary.executor import save_constant
from components.canary.verdict import CONSTANT, PRODUCTION
from components.shared.errors import BadConfig, Exit, Undecided, exit_code
from tests.components.canary.trial import COLUMNS, examples, trial
from tests.proxies import proxy

STUB = str(Path(__file__).with_name("stub.py"))
LIMITS = {"max_p99_ms": 20_000, "max_slowdown": 1e6, "max_memory_mb": 1000, "max_growth_mb": 300, "max_difference": 1e-5}
ROWS = 20


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A model that answers what the stub does."""
    return save_constant(tmp_path_factory.mktemp("model") / "m", COLUMNS)


@pytest.fixture
def tried(tmp_path, model):
    """`try_out` with a plan of troubles."""
    response = predict_pb2.PredictResponse()
    response.outputs["answer"].CopyFrom(tf.make_tensor_proto([0.5], tf.float32))
    (tmp_path / "answer").write_bytes(response.SerializeToString())
    paths = examples(tmp_path / "part.gz", ROWS)

    def run(plan, *, command=None, **options):
        limits = {name: options.pop(name, limit) for name, limit in LIMITS.items()}
        # What is formatted has no braces but those of the names.
        planned = json.dumps(plan).replace("{", "{{").replace("}", "}}")
        stub = [sys.executable, STUB, "{port}", "{rest_port}", "{folder}", planned, str(tmp_path / "answer")]
        return trial(model, paths, command or stub, limits, rows=ROWS, **options)

    return run


def test_without_trouble_it_passes_at_once_beside_a_model_that_does_nothing(tried):
    report = tried({})
    assert (report.reasons, report.requests, report.tries, report.reference) == ([], 2 * ROWS, 1, CONSTANT)
    assert report.reference_p50_ms > 0
    assert report.difference == 0


def both(trouble: str) -> dict[str, str]:
    return {"candidate": trouble, "reference": trouble}


@pytest.mark.parametrize(
    ("plan", "options", "said"),
    [
        (both("ends"), {}, "while it was loaded the server ended with code 1; its last words: Port 8500 of 127.0.0.1 cannot"),
        (both("silent"), {"load_seconds": 1.0}, "has not loaded it within 1 s; state: no answer yet"),
        (both("loads"), {"load_seconds": 1.0}, "within 1 s; .* beside it: the server has not loaded it within 1 s"),
        (both("unimplemented"), {}, r"request 1 .*UNIMPLEMENTED.* beside it: request 1 .*UNIMPLEMENTED"),
        (both("leaks"), {"max_growth_mb": 15}, "memory grew by .* beside it: memory grew by .* MB; limit 15"),
        ({}, {"max_memory_mb": 1}, "memory peaked at .* beside it: memory peaked at .* MB; limit 1"),
        (both("hangs"), {"answer_seconds": 1.0}, r"got no answer \(DEADLINE_EXCEEDED|ReadTimeout"),
        ({"candidate": "killed"}, {}, "ended by SIGKILL"),
        ({}, {"max_p99_ms": 0.001}, r"p99 of the latency is .* ms, that of a model that does nothing .* ms; limit 0.001"),
    ],
    ids=["ends", "silent", "loads", "unimplemented", "leaks", "memory", "hangs", "killed", "slow"],
)
def test_trouble_of_the_machine_refuses_nothing(tried, plan, options, said):
    with pytest.raises(Undecided, match=said) as raised:
        tried(plan, **options)
    message = str(raised.value)
    assert "in 3 tries" in message
    assert "nothing is said of the model" in message
    assert f"{os.cpu_count()} cores, a load of " in message
    assert "The next run resumes at the Canary." in message
    assert exit_code(raised.value) == Exit.FAILED


@pytest.mark.parametrize(
    ("trouble", "options", "said"),
    [
        ("ends", {}, "while it was loaded the server ended with code 1"),
        ("unloadable", {}, "the server cannot load it: no SavedModel"),
        ("aborts", {}, "the server was ended by SIGABRT"),
        ("hangs", {"answer_seconds": 1.0}, "the server is alive. The row: "),
    ],
)
def test_trouble_that_only_the_candidate_has_and_in_each_fresh_server_is_its_own(tried, trouble, options, said):
    report = tried({"candidate": trouble}, **options)
    [reason] = report.reasons
    assert said in reason
    assert reason.endswith("So it was in each of 3 tries, and a model that does nothing beside it had no such trouble")
    assert report.tries == 3


@pytest.mark.parametrize(
    ("trouble", "options", "said"),
    [("unimplemented", {}, "UNIMPLEMENTED"), ("leaks", {"max_growth_mb": 15}, "memory grew by")],
)
def test_trouble_that_is_the_candidates_by_its_nature_refuses_it_at_once(tried, model, trouble, options, said):
    report = tried({"candidate": trouble}, production=model, **options)
    assert said in report.reasons[0]
    assert report.tries == 1


def test_what_production_had_in_one_try_is_said_and_refuses_nothing(tried, model):
    """After its fault the constant model is the reference: what had none would hide it."""
    with pytest.raises(Undecided, match=r"SIGABRT.*; the model in production beside it: request 10 .* SIGABRT"):
        tried({"candidate": "aborts", "reference": "aborts first"}, production=model)


def test_a_candidate_is_slow_beside_production(tried, model):
    [reason] = tried({"candidate": "slow"}, production=model, max_slowdown=1.5).reasons
    assert "that of the model in production" in reason
    assert "limit 1.5 times as much" in reason


def test_a_production_that_cannot_answer_is_no_reference_and_no_obstacle(tried, model):
    report = tried({"reference": "aborts"}, production=model)
    assert (report.reasons, report.tries, report.reference) == ([], 1, PRODUCTION)


def test_a_program_that_is_not_there_is_named(tried):
    with pytest.raises(BadConfig, match=r"canary\.command starts 'no-such-server', which is not there"):
        tried({}, command=["no-such-server"])


def test_a_proxy_in_the_environment_changes_nothing(tried, monkeypatch):
    with proxy(hangs=True) as black_hole:
        for name, value in black_hole.environment().items():
            monkeypatch.setenv(name, value)
        assert tried({}).reasons == []
        assert black_hole.asked == []


def infra_validator(executor, tmp_path, model) -> standard_artifacts.InfraBlessing:
    """Does what TFX's InfraValidator does, with a Docker that does not answer."""
    given, blessing = standard_artifacts.Model(), standard_artifacts.InfraBlessing()
    given.uri, blessing.uri = str(tmp_path / "model"), str(tmp_path / "blessing")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "Format-Serving").symlink_to(model)
    serving = {"tensorflow_serving": {"tags": ["2.19.1"]}, "local_docker": {"client_base_url": "tcp://127.0.0.1:1"}}
    context = executor.Context(tmp_dir=str(tmp_path), unique_id="1")
    executor(context).Do({"model": [given]}, {"blessing": [blessing]}, {"serving_spec": json.dumps(serving)})
    return blessing


def test_infra_validator_without_docker_refuses_nothing(tmp_path, model):
    """TFX's own does: a reason to come back to its stock class will show here."""
    (tmp_path / "stock").mkdir()
    assert infra_validator(StockExecutor, tmp_path / "stock", model).get_int_custom_property("blessed") == 0
    with pytest.raises(Undecided, match=r"in 5 tries: \w+: .*look whether Docker runs and has the image"):
        infra_validator(DockerExecutor, tmp_path, model)
