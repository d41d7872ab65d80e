import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.shared.errors import BadConfig
from serving.refused import Refused, StatusCode
from serving.server import config
from serving.server.batching import Batcher
from serving.server.parameters import Batching


class Doubler:
    """Doubles x; remembers the sizes of its batches; fails where x is negative."""

    def __init__(self):
        self.sizes = []
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, columns):
        self.gate.wait(10)
        self.sizes.append(len(columns["x"]))
        if (columns["x"] < 0).any():
            raise ValueError("negative")
        return {"y": columns["x"] * 2}


def run(limits, work, *, together=True):
    """Runs `work(batcher)` in an event loop; returns what it returned, and the sizes of the batches."""
    model = Doubler()

    async def inside():
        with ThreadPoolExecutor(limits.num_batch_threads) as pool:
            return await work(Batcher(model, limits, pool, together=together), model)

    return asyncio.run(inside()), model.sizes


def x(*values):
    return {"x": np.array(values, np.float32)}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=20), st.integers(1, 8), st.booleans(), st.integers(0, 2000))
def test_everyone_gets_its_own_answers(sizes, most, together, wait):
    limits = Batching(
        max_batch_size=200,
        max_execution_batch_size=most,
        batch_timeout_micros=wait,
        max_enqueued_batches=200,
        num_batch_threads=2,
    )
    starts = np.cumsum([0, *sizes])

    async def work(batcher, _):
        return await asyncio.gather(*(batcher.submit(x(*range(s, s + n)), n) for s, n in zip(starts, sizes, strict=False)))

    answers, batches = run(limits, work, together=together)
    for start, size, answer in zip(starts, sizes, answers, strict=False):
        assert answer["y"].tolist() == [2.0 * value for value in range(start, start + size)]
    assert max(batches) <= most or not together
    assert sum(batches) == sum(sizes)


def test_requests_that_arrive_together_are_one_batch():
    async def work(batcher, _):
        return await asyncio.gather(*(batcher.submit(x(number), 1) for number in range(10)))

    assert run(Batching(batch_timeout_micros=50_000), work)[1] == [10]
    assert run(Batching(batch_timeout_micros=50_000), work, together=False)[1] == [1] * 10


def test_one_that_fails_does_not_fail_the_others():
    async def work(batcher, _):
        return await asyncio.gather(*(batcher.submit(x(value), 1) for value in (1, -1, 3)), return_exceptions=True)

    first, second, third = run(Batching(batch_timeout_micros=50_000), work)[0]
    assert (first["y"].tolist(), third["y"].tolist()) == ([2.0], [6.0])
    assert str(second) == "negative"


@pytest.mark.parametrize("splitting", [True, False])
def test_a_full_queue_refuses_and_recovers(splitting):
    """shared_batch_scheduler.h, ValidateBatchTaskQueueCapacity."""
    limits = Batching(
        max_batch_size=4,
        max_execution_batch_size=2,
        batch_timeout_micros=0,
        max_enqueued_batches=2,
        num_batch_threads=1,
        enable_large_batch_splitting=splitting,
    )
    limits = limits if splitting else replace(limits, max_batch_size=2)

    async def work(batcher, model):
        model.gate.clear()
        waiting = [asyncio.create_task(batcher.submit(x(number), 1)) for number in range(5)]  # one runs, four wait
        await asyncio.sleep(0.05)
        with pytest.raises(Refused) as full:
            await batcher.submit(x(9), 1)
        model.gate.set()
        await asyncio.gather(*waiting)
        return full.value, batcher.queued, await batcher.submit(x(9), 1)

    refused, queued, answer = run(limits, work)[0]
    assert refused.code is StatusCode.UNAVAILABLE
    assert "The batch scheduling queue to which this task was submitted is full" in str(refused)
    assert queued == 0
    assert answer["y"].tolist() == [18.0]


def test_who_has_gone_is_not_scored():
    limits = Batching(batch_timeout_micros=0, num_batch_threads=1)

    async def work(batcher, model):
        model.gate.clear()
        first = asyncio.create_task(batcher.submit(x(1), 1))
        gone = asyncio.create_task(batcher.submit(x(2, 2, 2), 3))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.sleep(0)
        model.gate.set()
        await first
        return await batcher.submit(x(3), 1)

    assert run(limits, work)[1] == [1, 1]


def test_a_request_that_is_larger_than_a_batch_may_be_is_refused_as_there():
    """shared_batch_scheduler.h: with splitting up to max_batch_size, else up to a batch."""
    limits = Batching(max_batch_size=6, max_execution_batch_size=4, batch_timeout_micros=0)

    async def work(batcher, _):
        with pytest.raises(Refused, match=r"Task size 7 is larger than maximum input batch size 6") as refused:
            await batcher.submit(x(*range(7)), 7)
        assert refused.value.code is StatusCode.INVALID_ARGUMENT
        return await batcher.submit(x(*range(6)), 6)

    answer, sizes = run(limits, work)
    assert answer["y"].tolist() == [2.0 * value for value in range(6)]
    assert sorted(sizes) == [2, 4]
    with pytest.raises(Refused, match="Task size 6"):
        run(
            replace(limits, enable_large_batch_splitting=False, max_batch_size=4),
            lambda batcher, _: batcher.submit(x(*[1] * 6), 6),
        )


def test_a_batch_is_filled_up_to_an_allowed_size():
    """batching_util.cc RoundToLowestAllowedBatchSize, batching_session.cc MergeInputTensors."""
    limits = Batching(max_batch_size=8, allowed_batch_sizes=(4, 8), enable_large_batch_splitting=False)

    async def work(batcher, _):
        return await asyncio.gather(batcher.submit(x(1, 2), 2), batcher.submit(x(3), 1))

    (first, second), sizes = run(limits, work)
    assert sizes == [4]
    assert (first["y"].tolist(), second["y"].tolist()) == ([2.0, 4.0], [6.0])


@pytest.mark.parametrize("padded", [True, False])
def test_inputs_of_several_lengths_are_filled_up_or_refused(padded):
    """batching_session.cc MergeInputTensors; batching_util.h AddPadding: with the first value."""
    limits = Batching(pad_variable_length_inputs=padded)

    async def work(batcher, _):
        short, long = {"x": np.array([[1, 2]])}, {"x": np.array([[3, 4, 5]])}
        return await asyncio.gather(batcher.submit(short, 1), batcher.submit(long, 1), return_exceptions=True)

    first, second = run(limits, work)[0]
    if padded:
        assert (first["y"].tolist(), second["y"].tolist()) == ([[2, 4, 2]], [[6, 8, 10]])
    else:
        assert {type(first), type(second)} == {Refused}
        assert first.code is StatusCode.FAILED_PRECONDITION
        assert "have different shapes and padding is turned off" in str(first)


BAD_MODELS = [
    "nonsense {",
    "",
    "custom_model_config {}",
    'model_config_list { config { name: "a" base_path: "/m/a" } }',
    'model_config_list { config { name: "a" base_path: "/m/a" model_platform: "sklearn" } }',
    'model_config_list { config { name: "a" base_path: "m/a" model_platform: "tensorflow" } }',
    'model_config_list { config { name: "a" base_path: "/a" model_platform: "tensorflow" } '
    'config { name: "a" base_path: "/b" model_platform: "tensorflow" } }',
]


@pytest.mark.parametrize("text", BAD_MODELS)
def test_a_models_config_that_tensorflow_serving_refuses_is_refused(tmp_path, text):
    path = tmp_path / "models.config"
    path.write_text(text)
    with pytest.raises(BadConfig, match=str(path)):
        config.read(path)


def test_policies_and_labels(tmp_path):
    path = tmp_path / "models.config"
    path.write_text(
        'model_config_list { config { name: "a" base_path: "/m/a" model_platform: "tensorflow" } '
        'config { name: "b" base_path: "/m/b" model_platform: "tensorflow" '
        'model_version_policy { specific { versions: 3 versions: 5 } } version_labels { key: "stable" value: 3 } } '
        'config { name: "c" base_path: "/m/c" model_type: TENSORFLOW model_version_policy { all {} } } }'
    )
    a, b, c = config.read(path, tmp_path)
    for model, number in ((a, 4), (a, 5), (b, 3), (b, 4), (c, 1), (c, 2)):
        (model.folder / str(number)).mkdir(parents=True)
    assert (a.wanted(), b.wanted(), c.wanted()) == ([5], [3], [1, 2])
    assert b.labels == {"stable": 3}
    assert str(config.read(path)[0].folder) == "/m/a"
