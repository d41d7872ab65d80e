"""What the assembled APK must be. Run by `make test-android`, after Maven compiled the app; not by `make test`."""

import os
import re
import struct
import tomllib
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from components.shared.errors import CorruptModel
from tests.tflite.android import apk as builder
from tests.tflite.android import resources
from tests.tflite.android.tools import ARTIFACTS, ToolFailed, artifact, java, run
from tflite import install

HERE = Path(__file__).parent
TARGET = HERE / "target"
MACHINES = {"arm64-v8a": 183, "x86_64": 62}  # e_machine in an ELF header
CLASSES = {
    "Lorg/crosswind/app/MainActivity;",
    "Lorg/crosswind/app/model/Predictor;",
    "Lorg/tensorflow/lite/Interpreter;",
    "Lorg/tensorflow/lite/NativeInterpreterWrapper;",
    "Lkotlin/Result;",
}


@pytest.fixture(scope="module")
def version():
    """The newest published version in MOBILE, where check.py says what it tested."""
    return install.published(Path(os.environ["MOBILE"]), None)


@pytest.fixture(scope="module")
def apk(version) -> Path:
    assert any((TARGET / "classes").rglob("MainActivity.class")), f"no compiled app in {TARGET}; run `make test-android`"
    return builder.assemble(version, TARGET / "classes", TARGET)


@pytest.fixture(scope="module")
def entries(apk):
    with zipfile.ZipFile(apk) as archive:
        yield {entry.filename: (entry, archive.read(entry)) for entry in archive.infolist()}


def test_the_model_is_stored_as_it_was_published(entries, version):
    entry, content = entries["assets/model.tflite"]
    assert entry.compress_type == zipfile.ZIP_STORED
    assert content == (version.folder / "model.tflite").read_bytes()


def test_the_assets_are_those_of_one_version_and_no_others(entries, version):
    assets = {name.removeprefix("assets/"): content for name, (_, content) in entries.items() if name.startswith("assets/")}
    assert assets == {name: (version.folder / name).read_bytes() for name in install.FILES}


def test_a_phone_is_told_what_it_needs_to_know(apk):
    lines = run("aapt2", "dump", "badging", apk).splitlines()
    assert "application-label:'Crosswind'" in lines
    package = "package: name='org.crosswind.app' versionCode='1' versionName='1.0'"
    assert [line for line in lines if line.startswith(package)]
    activity = "launchable-activity: name='org.crosswind.app.MainActivity'"
    assert [line for line in lines if line.startswith(activity)]
    assert {"sdkVersion:'24'", "targetSdkVersion:'36'", "native-code: 'arm64-v8a' 'x86_64'"} <= set(lines)
    assert not [line for line in lines if "permission" in line]
    assert "application-debuggable" not in lines


def test_the_code_is_there(entries):
    assert defined(entries["classes.dex"][1]) >= CLASSES


@pytest.mark.parametrize("processor", builder.PROCESSORS)
def test_the_native_library_can_be_mapped(apk, entries, processor):
    entry, content = entries[f"lib/{processor}/libtensorflowlite_jni.so"]
    assert entry.compress_type == zipfile.ZIP_STORED
    assert offset(apk, entry) % builder.PAGE == 0
    assert content[:4] == b"\x7fELF"
    assert struct.unpack_from("<H", content, 18) == (MACHINES[processor],)
    manifest = run("aapt2", "dump", "xmltree", "--file", "AndroidManifest.xml", apk)
    assert re.search(r"extractNativeLibs\(0x010104ea\)=false", manifest)


def test_the_signature_holds_by_both_schemes(apk):
    said = run("apksigner", "verify", "--verbose", "--print-certs", apk)
    verified = re.findall(r"Verified using (v\d) scheme .*: true", said)
    assert verified == [f"v{scheme}" for scheme in builder.SCHEMES]


def test_a_changed_byte_breaks_the_signature(apk, entries, tmp_path):
    content = bytearray(apk.read_bytes())
    content[offset(apk, entries["assets/model.tflite"][0]) + 1000] ^= 1
    (tmp_path / "changed.apk").write_bytes(content)
    with pytest.raises(ToolFailed, match="DOES NOT VERIFY"):
        run("apksigner", "verify", tmp_path / "changed.apk")


def test_a_damaged_model_is_not_put_in(version, tmp_path):
    damaged = install.published(version.folder.parent, version.number)
    (tmp_path / "1").mkdir()
    for path in damaged.folder.iterdir():
        (tmp_path / "1" / path.name).write_bytes(path.read_bytes() + (b" " if path.name == install.MODEL else b""))
    with pytest.raises(CorruptModel, match=r"differs from its manifest: model\.tflite"):
        builder.assemble(install.published(tmp_path, None), TARGET / "classes", tmp_path)


def test_r8_with_the_apps_rules_keeps_what_is_found_by_name(apk, tmp_path):
    """As a Gradle release build would shrink it: with the manifest's classes kept, and Kotlin's annotations to be had."""
    artifacts = TARGET / "artifacts"
    libraries = builder.libraries(artifacts, tmp_path)
    plugin = "-keep class org.crosswind.app.*Activity { <init>(); }\n-dontwarn org.jetbrains.annotations.*\n"
    (tmp_path / "plugin.pro").write_text(plugin)
    java(
        *("com.android.tools.r8.R8", artifact("r8", artifacts), *builder.options(artifacts), "--output", tmp_path),
        *("--pg-conf", resources.APP / "proguard-rules.pro", "--pg-conf", tmp_path / "plugin.pro"),
        *(apk.with_name("app.jar"), artifact("kotlin-stdlib", artifacts), *libraries),
    )
    shrunk = defined((tmp_path / "classes.dex").read_bytes())
    for library in libraries:
        with zipfile.ZipFile(library) as jar:
            assert {f"L{name.removesuffix('.class')};" for name in jar.namelist() if name.endswith(".class")} <= shrunk
    assert "Lorg/crosswind/app/MainActivity;" in shrunk
    assert len(shrunk) < len(defined((apk.with_name("classes.dex")).read_bytes())) / 2


def test_gradle_and_maven_have_the_same_kotlin():
    catalog = tomllib.loads((resources.APP.parent / "gradle/libs.versions.toml").read_text())["versions"]
    pom = ET.parse(HERE / "pom.xml").getroot()  # noqa: S314 (our own file)
    assert pom.findtext("{*}properties/{*}kotlin.version") == catalog["kotlin"]
    assert ARTIFACTS["kotlin-stdlib"][0].split(":")[2] == catalog["kotlin"]


def test_the_size(apk, capsys):
    """About what TFLite's two libraries weigh; a person is told."""
    megabytes = apk.stat().st_size / 1e6
    with capsys.disabled():
        print(f"\n{apk}: {megabytes:.1f} MB")
    assert megabytes < 12


def defined(dex: bytes) -> set[str]:
    """Descriptors of the classes that a .dex file defines; its layout: source.android.com, "Dalvik executable format"."""
    _, strings, _, types = struct.unpack_from("<4I", dex, 0x38)
    count, classes = struct.unpack_from("<2I", dex, 0x60)
    names = set()
    for index in range(count):
        kind = struct.unpack_from("<I", dex, classes + 32 * index)[0]
        start = struct.unpack_from("<I", dex, strings + 4 * struct.unpack_from("<I", dex, types + 4 * kind)[0])[0]
        end = dex.index(b"\0", start + 1)
        while dex[start] & 0x80:  # a length of seven bits a byte comes first
            start += 1
        names.add(dex[start + 1 : end].decode("utf-8", "replace"))
    return names


def offset(apk: Path, entry: zipfile.ZipInfo) -> int:
    """Where an entry's bytes begin in the APK."""
    name, extra = struct.unpack_from("<2H", apk.read_bytes(), entry.header_offset + 26)
    return entry.header_offset + 30 + name + extra
