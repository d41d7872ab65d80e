"""Read files in a process of its own: one that takes too much memory, or crashes Arrow, ends that process and not the run.

A Parquet file of a kilobyte can declare two gigabytes. So the process has `limits.MAX_MEMORY_BYTES` of address space beyond
what it takes at its start. A request is a line of JSON; the answer is a stream of Arrow IPC, and a line of JSON that says how
it ended. After one file the process waits for the next, as starting one takes 0.15 s.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO

import pyarrow as pa

from components.shared.errors import BadData
from components.span_example_gen import data_file
from components.span_example_gen.limits import MAX_MEMORY_BYTES

ROOT = Path(__file__).parents[2]
# Arrow works without NumPy; where it is there, pandas is imported too, and the start takes three times as long.
START = f"import sys; sys.modules['numpy'] = None; from {__name__} import main; main()"
COMMAND = (sys.executable, "-c", START)
POOL = {"ARROW_DEFAULT_MEMORY_POOL": "system"}  # the others reserve gigabytes of address space, and use little of it
OUT_OF_MEMORY = 12  # exit code
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
ADVICE = "Expected a whole file, Parquet with row groups of at most 256 MB and pages of about 1 MB. Write it again, or as CSV."
_idle: list[subprocess.Popen[bytes]] = []  # each has read a file to its end


def read(
    path: str, columns: Mapping[str, str], date: str, ignored: Collection[str], missing: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a file of this machine in batches; see `reader.read`.

    Raises:
        BadData: the file cannot be read, or not with so much memory, or makes Arrow crash.
    """
    process = _taken()
    is_done = False
    try:
        try:
            request = {"columns": dict(columns), "date": date, "ignored": list(ignored), "missing": list(missing)}
            _pipe(process.stdin).write(json.dumps({"path": path, **request}).encode() + b"\n")
            _pipe(process.stdin).flush()
            with pa.ipc.open_stream(process.stdout) as batches:
                yield from batches
            error = json.loads(_pipe(process.stdout).readline())
        except (OSError, ValueError):  # Arrow's and JSON's are such ones
            process.communicate()
            _refuse(path, process.returncode)
        is_done = True
        if error:
            raise BadData(error)
    finally:
        if is_done:
            _idle.append(process)
        elif process.returncode is None:
            process.kill()
            process.communicate()


def end() -> None:
    """End the processes that wait for a file: each keeps 90 MB."""
    while _idle:
        _idle.pop().communicate()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _taken() -> subprocess.Popen[bytes]:
    """Return an idle process, or a new one. It ends when its input does, with this process."""
    with contextlib.suppress(IndexError):  # none is left: Beam's threads take them too
        while (process := _idle.pop()).poll() is not None:
            pass
        return process
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **POOL, "PYTHONPATH": path}
    return subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _refuse(path: str, code: int) -> None:
    """Raise what the end of the process means, with an exit code or, below 0, by a signal."""
    if code == OUT_OF_MEMORY:
        raise BadData(f"{path}: to read it takes more than {MAX_MEMORY_BYTES / 1e9:.1f} GB of memory. {ADVICE}")
    if -code in CRASHES:
        raise BadData(f"{path} cannot be read: Arrow crashed ({signal.Signals(-code).name}). {ADVICE}")
    raise RuntimeError(f"The process that read {path} ended with {code}; what it wrote to stderr says why.")


def serve() -> None:
    """Answer requests until the input ends."""
    for line in sys.stdin.buffer:
        request = json.loads(line)
        schema = data_file.schema_of(request["columns"], request["date"])
        error = ""
        with pa.ipc.new_stream(sys.stdout.buffer, schema) as stream:
            try:
                for batch in data_file.read(Path(request["path"]), schema, request["ignored"], request["missing"]):
                    stream.write_batch(batch)
            except BadData as refused:
                error = str(refused)
        sys.stdout.buffer.write(json.dumps(error).encode() + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the end of the input has the same effect
    pa.set_cpu_count(1)  # a thread reserves address space
    pa.set_io_thread_count(1)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY or most > taken + MAX_MEMORY_BYTES:
        resource.setrlimit(resource.RLIMIT_AS, (taken + MAX_MEMORY_BYTES, most))
    try:
        serve()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except BrokenPipeError:  # nobody reads any more
        os._exit(0)
