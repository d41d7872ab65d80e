"""What a run says where a library has dropped a name that components/columnar rests on."""

import re

from conftest import run, states

from components.shared.errors import Exit
from tests import newer_release


def test_a_library_without_the_private_names_ends_a_run_before_its_first_node(few_spans, tmp_path):
    path = newer_release.for_python(tmp_path)
    found = run(spans=few_spans, root=tmp_path / "runs", PYTHONPATH=path)
    assert found.returncode == Exit.WRONG_SETTING
    said = " ".join((found.stdout + found.stderr).split())
    assert re.search(r"BadConfig: Evaluator on columns needs a name that tensorflow-model-analysis [\d.]+ does not have", said)
    assert "cannot import name '_EPSILON'" in said
    assert 'set components.executors = "stock"' in said
    assert states(found.stdout) == {}
