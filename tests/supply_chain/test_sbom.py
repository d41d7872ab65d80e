"""The bill of materials against the lock and CycloneDX's schema."""

import json

import pytest

from tests.supply_chain import sbom
from tests.supply_chain.lock import OURS, packages, read


@pytest.fixture(scope="module")
def document(tmp_path_factory):
    path = tmp_path_factory.mktemp("sbom") / "folder" / "sbom.json"
    assert sbom.main(["--output", str(path)]) == 0
    return json.loads(path.read_text())


def test_it_names_what_an_image_holds_each_with_hash_and_licence(document):
    components = {each["name"]: each for each in document["components"]}
    assert {name: each["version"] for name, each in components.items()} == {
        package.name: package.version for package in packages() if package.runtime
    }
    locked = {package["name"]: package for package in read()["package"]}
    for name, each in components.items():
        assert each["licenses"][0]["expression"] != "unknown"
        if locked[name]["source"] == OURS:
            continue
        assert each["purl"] == f"pkg:pypi/{name}@{each['version']}"
        hashes = {f"sha256:{one['content']}" for file in each["externalReferences"] for one in file["hashes"]}
        assert hashes
        assert hashes <= {file["hash"] for file in [*locked[name].get("wheels", []), locked[name].get("sdist", {"hash": ""})]}


def test_it_says_what_needs_what(document):
    needs = {each["ref"].rpartition("-")[0]: each.get("dependsOn", []) for each in document["dependencies"]}
    assert any(need.startswith("tfx-") for need in needs["crosswind"])


@pytest.mark.parametrize("harm", ["version", "licence", "hash"])
def test_a_document_that_is_not_valid_is_refused(document, harm):
    broken = json.loads(json.dumps(document))
    if harm == "version":
        broken["version"] = "one"
    elif harm == "licence":
        broken["components"][0]["licenses"] = "MIT"
    else:
        broken["components"][0]["externalReferences"][0]["hashes"][0]["content"] = "short"
    assert sbom.invalid(json.dumps(document)) == ""
    assert sbom.invalid(json.dumps(broken))
