"""Where the published versions of the phone's model are, unless the command line says so."""

from pathlib import Path

from components.model_store import store
from components.shared.errors import VersionNotFound

RUNS = Path("runs")


def only_published(root: Path = RUNS) -> Path:
    """Find the one folder of versions below a root.

    Args:
        root: of the runs. Looked at: `root/mobile/<model>` and `root/<problem>/mobile/<model>`.

    Raises:
        VersionNotFound: there is none, or more than one.
    """
    folders = sorted(folder for folder in [*root.glob("mobile/*"), *root.glob("*/mobile/*")] if store.versions(folder))
    if not folders:
        raise VersionNotFound(f"{root} holds no model for phones; expected one that `make run` published. Or name its folder.")
    if len(folders) > 1:
        raise VersionNotFound(
            f"{root} holds several models for phones: {', '.join(map(str, folders))}. Expected one; name the folder you mean."
        )
    return folders[0]
