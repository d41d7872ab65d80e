import hashlib

from components.run_report.collect import lineage, tree_sum
from components.shared.trace import Artifact, Execution, Trace


def test_the_sum_is_that_of_sha256sums_list(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / "below" / "a").write_bytes(b"1")
    sums = [(hashlib.sha256(content).hexdigest(), name) for content, name in ((b"2", "b"), (b"1", "below/a"))]
    listed = "".join(f"{found}  {name}\n" for found, name in sums)
    assert tree_sum(tmp_path) == hashlib.sha256(listed.encode()).hexdigest()


def test_a_changed_byte_changes_it_and_an_empty_folder_has_none(tmp_path):
    assert tree_sum(tmp_path) == tree_sum(tmp_path / "gone") == ""
    (tmp_path / "a").write_bytes(b"1")
    before = tree_sum(tmp_path)
    (tmp_path / "a").write_bytes(b"2")
    assert tree_sum(tmp_path) != before


def test_each_artifact_names_its_maker_and_its_users(tmp_path):
    examples = Artifact(3, "Examples", str(tmp_path), {})
    made = Execution("SpanExampleGen", "done", 0.0, 1.0, outputs={"examples": [examples]})
    used = [Execution(node, "done", 1.0, 1.0, inputs={"examples": [examples]}) for node in ("StatisticsGen", "Transform")]
    [found] = lineage(Trace("run", {each.node: each for each in [made, *used]}))
    assert (found.node, found.key, found.used_by) == ("SpanExampleGen", "examples", ["StatisticsGen", "Transform"])
