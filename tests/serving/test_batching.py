import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.errors import BadConfig
from serving.refused import Refused, StatusCode
from serving.server import config
from serving.server.batching import Batcher
from serving.server.config import Batching


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
    limits = Batching(max_batch_size=most, batch_timeout_micros=wait, max_enqueued_batches=200, num_batch_threads=2)
    starts = np.cumsum([0, *sizes])

    async def work(batcher, _):
        return await asyncio.gather(*(batcher.submit(x(*range(s, s + n)), n) for s, n in zip(starts, sizes, strict=False)))

    answers, batches = run(limits, work, together=together)
    for start, size, answer in zip(starts, sizes, answers, strict=False):
        assert answer["y"].tolist() == [2.0 * value for value in range(start, start + size)]
    assert max(batches) <= most
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


def test_a_full_queue_refuses_and_recovers():
    limits = Batching(max_batch_size=2, batch_timeout_micros=0, max_enqueued_batches=2, num_batch_threads=1)

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
    assert refused.code is StatusCode.RESOURCE_EXHAUSTED
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


def test_the_shipped_batching_parameters_are_read(tmp_path):
    path = tmp_path / "batching.config"
    path.write_text("# why\nmax_batch_size { value: 64 }\nbatch_timeout_micros: { value: 0 }  # at once\n")
    assert config.read_batching(path) == Batching(max_batch_size=64, batch_timeout_micros=0)


@pytest.mark.parametrize("text", ["max_batch_size: 3", "nonsense", "max_batch_size { value: 0 }"])
def test_parameters_that_make_no_sense_are_refused(tmp_path, text):
    path = tmp_path / "batching.config"
    path.write_text(text)
    with pytest.raises(BadConfig, match=str(path)):
        config.read_batching(path)


@pytest.mark.parametrize("text", ["nonsense {", "", "custom_model_config {}"])
def test_a_models_config_that_names_no_model_is_refused(tmp_path, text):
    path = tmp_path / "models.config"
    path.write_text(text)
    with pytest.raises(BadConfig, match=str(path)):
        config.read(path)


def test_policies_and_labels(tmp_path):
    path = tmp_path / "models.config"
    path.write_text(
        'model_config_list { config { name: "a" base_path: "/m/a" } config { name: "b" base_path: "/m/b" '
        'model_version_policy { specific { versions: 3 versions: 5 } } version_labels { key: "stable" value: 3 } } '
        'config { name: "c" base_path: "/m/c" model_version_policy { all {} } } }'
    )
    a, b, c = config.read(path, tmp_path)
    for model, number in ((a, 4), (a, 5), (b, 3), (b, 4), (c, 1), (c, 2)):
        (model.folder / str(number)).mkdir(parents=True)
    assert (a.wanted(), b.wanted(), c.wanted()) == ([5], [3], [1, 2])
    assert b.labels == {"stable": 3}
    assert str(config.read(path)[0].folder) == "/m/a"
