"""Remove TensorFlow's markers of folders from a bucket: KFP's launcher fails to download an artifact that has some.

https://github.com/kubeflow/pipelines/issues/13476, open with KFP 2.16.
"""

from collections.abc import Iterable

GOOGLE = "gs://"


def remove(uris: Iterable[str]) -> int:
    """Delete the objects below gs:// URIs whose names end with a slash, and return how many."""
    from google.cloud import storage  # noqa: PLC0415  # not every node has a bucket

    places = [uri.removeprefix(GOOGLE).partition("/") for uri in uris if uri.startswith(GOOGLE)]
    if not places:
        return 0
    client = storage.Client()
    found = [blob for bucket, _, name in places for blob in client.list_blobs(bucket, prefix=f"{name.rstrip('/')}/")]
    markers = [blob for blob in found if blob.name.endswith("/")]
    for blob in markers:
        blob.delete()
    return len(markers)
