"""Makes an installable APK without Gradle: the classes that Maven tested, TFLite from Maven Central, a throw-away key."""

import shutil
import zipfile
from pathlib import Path

from components.model_store.store import Version
from tests.tflite.android import resources
from tests.tflite.android.tools import artifact, java, java_home, run
from tflite import install

PROCESSORS = ("arm64-v8a", "x86_64")  # phones, and emulators on a desktop
PAGE = 16384  # bytes; the largest memory page of a device, so that what is stored can be mapped
SCHEMES = (2, 3)  # of signing; 1 is for Android before 7, 4 for installing while it loads
PASSWORD = "throw-away"  # noqa: S105
LIBRARIES = ("tensorflow-lite", "tensorflow-lite-api")


def assemble(version: Version, classes: Path, folder: Path) -> Path:
    """Puts the app together.

    Args:
        version: of the published phone model.
        classes: folder of the app's compiled classes, those of R included.
        folder: of the build; resources.link has been there, and R's numbers in `classes` are from its run.

    Returns:
        The signed APK.

    Raises:
        CrosswindError: the model, a program, or an artifact is not as it must be.
    """
    install.check(version)
    work = folder / "apk"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    install.install(version, work / "assets")
    unsigned = work / "unsigned.apk"
    shutil.copyfile(folder / "resources.apk", unsigned)
    with zipfile.ZipFile(unsigned, "a", zipfile.ZIP_DEFLATED) as apk:
        for name in install.FILES:
            stored = zipfile.ZIP_STORED if name == install.MODEL else None  # mapped as it is
            apk.write(work / "assets" / name, f"assets/{name}", stored)
        for dex in dexed(classes, folder / "artifacts", work):
            apk.write(dex, dex.name)
        with zipfile.ZipFile(artifact("tensorflow-lite", folder / "artifacts")) as library:
            for processor in PROCESSORS:
                name = f"{processor}/libtensorflowlite_jni.so"
                apk.writestr(f"lib/{name}", library.read(f"jni/{name}"), zipfile.ZIP_STORED)
    run("zipalign", str(PAGE), unsigned, work / "aligned.apk")
    return signed(work / "aligned.apk", work / "crosswind.apk")


def dexed(classes: Path, artifacts: Path, work: Path) -> list[Path]:
    """The app's classes, Kotlin's and TFLite's as .dex files, by D8."""
    app = work / "app.jar"
    with zipfile.ZipFile(app, "w") as jar:
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, path.relative_to(classes))
    inputs = [app, artifact("kotlin-stdlib", artifacts), *libraries(artifacts, work)]
    java("com.android.tools.r8.D8", artifact("r8", artifacts), *options(artifacts), "--output", work, *inputs)
    return sorted(work.glob("classes*.dex"))


def options(artifacts: Path) -> list[str | Path]:
    """What D8 and R8 must know of the phone: its oldest API level, and the classes that are there."""
    level = ["--release", "--min-api", resources.settings()["minSdk"]]
    return [*level, "--lib", artifact("android-all", artifacts), "--lib", java_home()]


def libraries(artifacts: Path, work: Path) -> list[Path]:
    """The classes of TFLite, out of their Android archives."""
    jars = []
    for name in LIBRARIES:
        with zipfile.ZipFile(artifact(name, artifacts)) as archive:
            jars.append(work / f"{name}.jar")
            jars[-1].write_bytes(archive.read("classes.jar"))
    return jars


def signed(aligned: Path, target: Path) -> Path:
    """Signs with a key that nobody keeps: a phone takes an update only from the key of the first installation."""
    keys = target.with_suffix(".p12")
    run(
        *("keytool", "-genkeypair", "-keystore", keys, "-storepass", PASSWORD),
        *("-alias", "key", "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000", "-dname", "CN=Crosswind sample"),
    )
    schemes = [f"--v{scheme}-signing-enabled={str(scheme in SCHEMES).lower()}" for scheme in (1, 2, 3, 4)]
    run("apksigner", "sign", "--ks", keys, "--ks-pass", f"pass:{PASSWORD}", *schemes, "--out", target, aligned)
    keys.unlink()
    return target
