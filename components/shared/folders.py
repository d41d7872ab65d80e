"""Find files of a folder on any file system that TensorFlow reads, whatever the folder's name."""

import glob

import tensorflow as tf


def matching(folder: str, pattern: str = "*") -> list[str]:
    """List the paths in `folder` whose names match, sorted; none if it is not there. Its own name may hold [ ] * ? and \\."""
    escaped = glob.escape(folder.rstrip("/")).replace("\\", "\\\\")
    return sorted(tf.io.gfile.glob(f"{escaped}/{pattern}"))
