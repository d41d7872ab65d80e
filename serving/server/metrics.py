"""Metrics for Prometheus. Where TensorFlow Serving has one, its name, labels and unit (microseconds) are kept."""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram, disable_created_metrics, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric, UntypedMetricFamily

MICROSECONDS: list[float] = [10 * 1.8**power for power in range(33)]  # servables/tensorflow/util.cc: to 20 minutes
ROW_BUCKETS: list[float] = [2**power for power in range(14)]
disable_created_metrics()


class ServerMetrics:
    """Counts requests, rows, latencies, batches and attempts to load."""

    def __init__(self, queued: Callable[[], int]):
        """`queued` returns the number of rows that wait."""
        self._queued = queued
        self._registry = CollectorRegistry()
        # Not prometheus_client's Counter, which appends _total to the name.
        self._requests: Counter[tuple[str, str]] = Counter()
        self._loads: Counter[tuple[str, str]] = Counter()
        latency, runtime = ":tensorflow:serving:request_latency", ":tensorflow:serving:runtime_latency"
        self.latency = self._histogram(latency, "of requests, us", MICROSECONDS, "API", "entrypoint")
        self.runtime = self._histogram(runtime, "of requests in queue and model, us", MICROSECONDS, "API", "runtime")
        self.rows = self._histogram("crosswind_batch_rows", "rows of a batch", ROW_BUCKETS)
        self._registry.register(self)

    def _histogram(self, name: str, meaning: str, buckets: list[float], *labels: str) -> Histogram:
        return Histogram(name, meaning, ["model_name", *labels], buckets=buckets, registry=self._registry)

    def request(self, model: str, api: str, entrypoint: str, status: str, seconds: float) -> None:
        """Count a request; `model` is empty where it is not served, `api` of small letters over REST, `status` a code."""
        self._requests[model, status] += 1
        if status == "OK":
            self.latency.labels(model, api, entrypoint).observe(seconds * 1e6)

    def load(self, path: str, worked: bool) -> None:
        """Count an attempt to load the version in a folder."""
        self._loads[path, "success" if worked else "fail"] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, for the registry."""
        yield _counter(":tensorflow:serving:request_count", "requests by status", ["model_name", "status"], self._requests)
        yield _counter(":tensorflow:cc:saved_model:load_attempt_count", "loads", ["model_path", "status"], self._loads)
        yield GaugeMetricFamily("crosswind_queued_rows", "rows that wait for a batch", self._queued())

    def text(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self._registry)


def _counter(name: str, meaning: str, labels: list[str], counts: Counter[tuple[str, str]]) -> Metric:
    family = UntypedMetricFamily(name, meaning, labels=labels)
    for values, count in list(counts.items()):
        family.add_metric(values, count)
    return family
