"""The software bill of materials of what an image holds: CycloneDX of uv.lock, each package with its licence. `make sbom`."""

import argparse
import json
import subprocess
import sys
from importlib import resources
from pathlib import Path

import jsonschema_rs

from tests.supply_chain.licences import licence_of
from tests.supply_chain.lock import REPOSITORY, UV, packages

SCHEMA = "bom-1.5.SNAPSHOT.schema.json"
EXPORT = ["export", "--locked", "--offline", "--no-dev", "--quiet", "--format=cyclonedx1.5", "--preview-features=sbom-export"]


def main(arguments: list[str] | None = None) -> int:
    """Writes the file. Returns 1, and writes nothing, if it would not be valid."""
    parser = argparse.ArgumentParser(prog="python -m tests.supply_chain.sbom", description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("runs/sbom.cdx.json"), help="(default: %(default)s)")
    output: Path = parser.parse_args(arguments).output
    text = json.dumps(with_licences(exported()), indent=1) + "\n"
    if error := invalid(text):
        print(f"The bill of materials is not valid CycloneDX 1.5: {error}")
        return 1
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    components = json.loads(text)["components"]
    hashes = sum(len(file["hashes"]) for each in components for file in each.get("externalReferences", []))
    print(
        f"{output}: {len(components)} packages, {hashes} hashes of their files, each package with its licence. CycloneDX 1.5."
    )
    return 0


def exported() -> dict:
    """What uv makes of the lock, without what only development needs."""
    return json.loads(subprocess.run([UV, *EXPORT], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout)


def with_licences(document: dict) -> dict:
    """The document with the licence that each package states."""
    known = {package.name: package for package in packages()}
    for component in document["components"]:
        component["licenses"] = [{"expression": licence_of(known[component["name"]]).expression}]
    return document


def invalid(text: str) -> str:
    """What CycloneDX's own schema has to say against a document; empty if nothing."""
    validator = jsonschema_rs.validator_for(_schema(SCHEMA), retriever=_schema, validate_formats=True)
    error = next(validator.iter_errors(json.loads(text)), None)
    return f"{'/'.join(map(str, error.instance_path))}: {error.message}" if error else ""


def _schema(uri: str) -> dict:
    """A schema as the CycloneDX project publishes it, from its Python package: none is fetched."""
    return json.loads((resources.files("cyclonedx.schema") / "_res" / uri.rpartition("/")[2]).read_text(encoding="utf-8"))


if __name__ == "__main__":
    sys.exit(main())
