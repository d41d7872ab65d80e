"""The licence of every locked package, as its metadata say, against the policy in licences.toml: `make licences`."""

import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from tests.supply_chain.lock import Package, packages

POLICY = tomllib.loads(Path(__file__).with_name("licences.toml").read_text(encoding="utf-8"))
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Licence:
    """What a package may be used under.

    Attributes:
        package: which.
        expression: SPDX, or UNKNOWN.
        source: where in the metadata it is said; what is said there if it is not understood.
    """

    package: Package
    expression: str
    source: str

    @property
    def allowed(self) -> bool:
        """Whether the policy has it."""
        groups = [POLICY["allowed"], *([] if self.package.runtime else [POLICY["allowed_for_development"]])]
        return holds(self.expression, {licence for group in groups for licences in group.values() for licence in licences})


def holds(expression: str, allowed: set[str]) -> bool:
    """Whether an SPDX expression can be met with the licences that are allowed: one side of an OR, both of an AND."""
    while innermost := re.search(r"\(([^()]*)\)", expression):
        met = "yes" if holds(innermost[1], allowed) else "no"
        expression = expression[: innermost.start()] + met + expression[innermost.end() :]
    return any(all(part in allowed or part == "yes" for part in side.split(" AND ")) for side in expression.split(" OR "))


def licence_of(package: Package) -> Licence:
    """The licence that an installed package states."""
    return stated(package, metadata.metadata(package.name))


def is_installed(package: Package) -> bool:
    """Tell whether a package is there: one that is optional may be absent, and says nothing then."""
    return any(metadata.distributions(name=package.name))


def stated(package: Package, found: metadata.PackageMetadata) -> Licence:
    """The licence in a package's core metadata: License-Expression first, the older License next, then the classifiers."""
    if package.name in POLICY["read"]:
        return Licence(package, POLICY["read"][package.name], "licence file, read")
    classifiers = [each.split(" :: ")[-1] for each in found.get_all("Classifier") or [] if each.startswith("License :: OSI")]
    named = [POLICY["classifiers"].get(each) for each in classifiers if each != "OSI Approved"]
    text = (found["License"] or "").strip()
    for source, expression in (
        ("License-Expression", found["License-Expression"]),
        ("License", POLICY["spelled"].get(text, text)),
        ("Classifier", " AND ".join(sorted(filter(None, named))) if all(named) else None),
    ):
        try:
            return Licence(package, canonicalize_license_expression(expression or ""), source)
        except InvalidLicenseExpression:
            continue
    return Licence(package, UNKNOWN, "; ".join(filter(None, [text.partition("\n")[0][:60], *classifiers])) or "says nothing")


def main() -> int:
    """Prints the table and what it comes to. Returns 1 if a licence is unknown or not allowed."""
    licences = [licence_of(package) for package in packages() if not package.optional or is_installed(package)]
    for each in licences:
        use = "pipeline" if each.package.runtime else "development"
        print(f"{each.package.name:36} {each.package.version:18} {use:12} {each.expression} ({each.source})")
    counts = Counter(each.expression for each in licences).most_common()
    print("\n" + ", ".join(f"{expression} {count}" for expression, count in counts))
    refused = [each for each in licences if not each.allowed]
    for each in refused:
        print(f"Refused: {each.package.name} {each.package.version} is under {each.expression} ({each.source}).")
    print(
        f"{len(licences)} packages, {len(licences) - len(refused)} with a licence that tests/supply_chain/licences.toml allows."
    )
    if refused:
        print("Replace the others, or extend the policy if it can have them.")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
