"""The app's manifest and resources as the Android Gradle Plugin would hand them on: merged and linked, with Debian's aapt2."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from tests.tflite.android import framework
from tests.tflite.android.tools import artifact, run

APP = Path(__file__).parents[3] / "tflite" / "android" / "app"
ANDROID = "http://schemas.android.com/apk/res/android"


def link(folder: Path) -> Path:
    """Compiles and links the app's resources.

    Args:
        folder: of the build; gets AndroidManifest.xml, gen/ with R.java, and artifacts/.

    Returns:
        `folder`/resources.apk: the binary manifest and resources, without code and assets.

    Raises:
        ToolMissing: a program or an artifact is not there.
        ToolFailed: a resource or the manifest is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    base = folder / "framework.apk"
    framework.write(artifact("android-all", folder / "artifacts"), base)
    stated = settings()
    manifest = folder / "AndroidManifest.xml"
    manifest.write_text(merged((APP / "src/main/AndroidManifest.xml").read_text(encoding="utf-8"), stated), encoding="utf-8")
    compiled, linked = folder / "compiled.zip", folder / "resources.apk"
    run("aapt2", "compile", "--dir", APP / "src/main/res", "-o", compiled)
    run(
        *("aapt2", "link", "-I", base, "--manifest", manifest, "--java", folder / "gen", "-o", linked),
        *("--min-sdk-version", stated["minSdk"], "--target-sdk-version", stated["targetSdk"]),
        *("--version-code", stated["versionCode"], "--version-name", stated["versionName"], compiled),
    )
    return linked


def settings() -> dict[str, str]:
    """What build.gradle.kts states of the app: namespace, minSdk, targetSdk, versionCode, versionName."""
    script = (APP / "build.gradle.kts").read_text(encoding="utf-8")
    names = ("namespace", "minSdk", "targetSdk", "versionCode", "versionName")
    return {name: re.findall(rf'^\s*{name} = "?([\w.]+)"?$', script, re.MULTILINE)[0] for name in names}


def merged(manifest: str, stated: dict[str, str]) -> str:
    """The manifest with the package, and with libraries that are mapped from the APK, as the plugin writes them."""
    ET.register_namespace("android", ANDROID)
    root = ET.fromstring(manifest)  # noqa: S314 (our own file)
    root.set("package", stated["namespace"])
    application = root.find("application")
    assert application is not None
    application.set(f"{{{ANDROID}}}extractNativeLibs", "false")
    return ET.tostring(root, encoding="unicode")
