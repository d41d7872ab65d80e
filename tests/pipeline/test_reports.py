"""The command line and the server; what the pages say is tested in tests/components/run_report."""

import http.client
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import REPOSITORY

from components.run_report import facts
from components.shared.errors import RootUnusable
from pipeline import reports


def two_pages(folder: Path) -> Path:
    """A root with two pages, a file beside them, and a link that leads out."""
    pages = folder / "runs" / "reports"
    (pages / "2026-11-24T23:38").mkdir(parents=True)
    (pages / "index.html").write_text("all runs")
    (pages / "2026-11-24T23:38" / "index.html").write_text("one run")
    (folder / "runs" / "metadata.db").write_text("secret")
    (pages / "link").symlink_to(folder / "runs" / "metadata.db")
    return folder / "runs"


@pytest.fixture
def root(tmp_path):
    return two_pages(tmp_path)


@pytest.fixture(scope="module")
def port(tmp_path_factory) -> Iterator[int]:
    """Of a server that tests share which only read, and of a root with all that pages link to."""
    folder = two_pages(tmp_path_factory.mktemp("shared"))
    version = folder / "serving" / "parcels" / "2"
    version.mkdir(parents=True)
    (version / "model_card.md").write_text("# Model card")
    (version / "<b>.txt").write_text("odd")
    (version / "out").symlink_to(folder / "metadata.db")
    (folder / "logs").mkdir()
    (folder / "logs" / "2026-11-24T23:38.log").write_text("Component Trainer is running.")
    with served(folder, "--port", "0") as (_, port):
        yield port


@contextmanager
def served(root, *arguments, action="serve", **environment):
    """The process and its port; ended by its id whatever happens."""
    command = [sys.executable, "-u", "-m", "pipeline.reports", action, "--root", str(root), *arguments]
    process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    try:
        line = process.stdout.readline()
        yield process, int(re.search(r"http://127\.0\.0\.1:(\d+)/", line)[1])
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def get(port: int, path: str, host: str = "127.0.0.1") -> tuple[int, str]:
    """Status and body; the path is sent as it is, dots included."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("GET", path, skip_host=True)
        connection.putheader("Host", host)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_it_serves_the_pages_and_nothing_beside_them(port):
    assert get(port, "/") == (200, "all runs")
    assert get(port, "/2026-11-24T23%3A38/index.html") == (200, "one run")
    assert get(port, "/2026-11-24T23:38/") == (200, "one run")
    for path in ("/../metadata.db", "/%2e%2e/metadata.db", "/..%2fmetadata.db", "//etc/passwd", "/link", "/missing"):
        status, body = get(port, path)
        assert status in (400, 404), path
        assert "secret" not in body


def test_it_serves_what_the_pages_link_to(port):
    assert get(port, "/logs/2026-11-24T23%3A38.log") == (200, "Component Trainer is running.")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("HEAD", "/logs/2026-11-24T23%3A38.log")
    assert connection.getresponse().headers["content-type"] == "text/plain; charset=utf-8"  # shown, not downloaded
    connection.close()
    assert get(port, "/serving/parcels/2/model_card.md") == (200, "# Model card")
    assert get(port, "/serving/parcels/2")[0] == 307  # to the address with which the list's links are right
    status, listed = get(port, "/serving/parcels/2/")
    assert status == 200
    assert '<a href="./model_card.md">model_card.md</a>' in listed
    assert "&lt;b&gt;.txt" in listed
    for path in ("/serving/parcels/2/out", "/logs/../metadata.db", "/mobile/", "/artifacts/none"):
        status, body = get(port, path)
        assert status == 404, path
        assert "secret" not in body


def test_a_name_of_somebody_else_is_refused(port):
    assert get(port, "/", host=f"localhost:{port}")[0] == 200
    assert get(port, "/", host=f"rebound.example:{port}")[0] == 400


def test_it_listens_on_this_machine_only(root):
    with served(root, "--port", "0") as (process, port):
        listed = [line.split() for line in Path(f"/proc/{process.pid}/net/tcp").read_text().splitlines()[1:]]
        addresses = {fields[1] for fields in listed if fields[3] == "0A" and int(fields[1].split(":")[1], 16) == port}
        assert {address.split(":")[0] for address in addresses} == {"0100007F"}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_it(root, number, code):
    with served(root, "--port", "0") as (process, port):
        get(port, "/")
        process.send_signal(number)
        assert process.wait(timeout=20) == code
        assert "Traceback" not in process.stdout.read()


def test_the_usual_port_may_be_taken():
    try:
        holder = socket.create_server(("127.0.0.1", reports.PORT))
    except OSError:
        holder = socket.socket()  # somebody else holds it already
    with holder, reports.listen(None) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listener.getsockname()[1] != reports.PORT


def test_a_port_that_was_asked_for_must_be_free():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(RootUnusable, match=f"Port {port} of 127.0.0.1 cannot be used"):
            reports.listen(port)


def test_open_shows_the_pages_in_the_browser(root, tmp_path):
    browser, seen = tmp_path / "browser.py", tmp_path / "seen"
    browser.write_text(
        "import sys, pathlib, urllib.request\n"
        "page = urllib.request.urlopen(sys.argv[1]).read().decode()\n"
        f"pathlib.Path({str(tmp_path / 'part')!r}).write_text(sys.argv[1] + ' ' + page)\n"
        f"pathlib.Path({str(tmp_path / 'part')!r}).rename({str(seen)!r})\n"
    )
    with served(root, "--port", "0", action="open", BROWSER=f"{sys.executable} {browser} %s") as (_, port):
        until = time.monotonic() + 30
        while not seen.exists() and time.monotonic() < until:
            time.sleep(0.01)
    assert seen.read_text() == f"http://127.0.0.1:{port}/ all runs"


def test_without_reports_it_says_how_to_make_one(tmp_path, capsys):
    for action in ("serve", "open"):
        assert reports.main([action, "--root", str(tmp_path)]) == 2
        text = capsys.readouterr().out
        assert f"BadConfig: {tmp_path}/reports holds no reports" in text
        assert "make run" in text


def test_without_runs_there_is_nothing_to_build(tmp_path, capsys):
    assert reports.main(["build", "--root", str(tmp_path)]) == 2
    assert f"BadConfig: {tmp_path} holds no runs; expected {tmp_path}/metadata.db" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_build_needs_no_more_than_metadata_and_artifacts(parcel_runs, tmp_path, capsys):
    shutil.copy(parcel_runs.root / "metadata.db", tmp_path)
    assert reports.main(["build", "--problem", str(parcel_runs.problem), "--root", str(tmp_path)]) == 0
    runs = sorted(path.parent.name for path in (parcel_runs.root / "reports").glob("*/facts.json"))
    assert len(runs) >= 2
    said = [*(f"  {run}" for run in runs), f"All runs: {tmp_path}/reports/index.html"]
    assert capsys.readouterr().out.splitlines() == said
    for run in runs:
        written, built = facts.read(parcel_runs.root / "reports" / run), facts.read(tmp_path / "reports" / run)
        # By now there is one artifact more: the page that the run itself wrote.
        before = [artifact for artifact in built.lineage if artifact.node != "RunReport"]
        assert built.model_copy(update={"lineage": before}) == written
        assert (tmp_path / "reports" / run / "index.html").exists()


@pytest.mark.parametrize("arguments", [["--set", "publish.keep=0"], ["--port", "70000"], ["--port", "-1"]])
def test_a_wrong_setting_is_refused(root, capsys, arguments):
    assert reports.main(["serve", "--root", str(root), *arguments]) == 2
    assert arguments[1].removeprefix("publish.keep=") in capsys.readouterr().out


def test_help_needs_neither_tensorflow_nor_a_plotting_library():
    code = (
        "import sys, pipeline.reports as r\ntry: r.main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'tensorflow', 'tfx', 'altair', 'jinja2', 'uvicorn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True)


def test_what_to_do_names_a_problem_that_is_not_the_default_one(tmp_path, parcels, capsys):
    for action, verbs in (("open", ("run", "report")), ("build", ("run",))):
        assert reports.main([action, "--problem", str(parcels), "--root", str(tmp_path)]) == 2
        text = capsys.readouterr().out
        assert all(f'`make {verb} ARGS="--problem {parcels}"`' in text for verb in verbs)
