import pytest

from components.shared import source_code

CHECKOUT = {
    "tools/__init__.py": "",
    "tools/node.py": "import numpy, tools.steps\n\n\ndef run():\n    from tools import later\n    return later",
    "tools/steps.py": "from . import beside",
    "tools/beside.py": "from .deep.inner import thing",
    "tools/deep/inner.py": "thing = 1",
    "tools/later.py": "half an edit (",
    "tools/other.py": "import tools.node",
}


@pytest.fixture
def checkout(tmp_path):
    for name, source in CHECKOUT.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(source)
    return tmp_path


@pytest.mark.parametrize("name", CHECKOUT)
def test_an_edit_of_what_a_module_imports_at_any_depth_changes_its_digest_and_nothing_else_does(checkout, name):
    before = source_code.digest("tools.node.Node", checkout)
    assert source_code.digest("tools.node.Node", checkout) == before
    (checkout / name).write_text(CHECKOUT[name] + "\n")
    assert (source_code.digest("tools.node.Node", checkout) != before) == (name != "tools/other.py")


def test_a_library_has_no_source_here(checkout):
    assert source_code.digest("tfx.components.Trainer", checkout) == source_code.digest("numpy", checkout)


def test_the_releases_of_the_libraries_are_known():
    assert {"python", "tfx", "tensorflow", "numpy"} < set(source_code.versions())
