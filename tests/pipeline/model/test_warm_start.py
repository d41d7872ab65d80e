import numpy as np

from pipeline.model import warm_start


def test_embeddings_follow_their_key():
    """A is gone, C came: it starts as what unseen values were."""
    before = np.array([[1.0], [2.0], [9.0]])  # A, B, unseen
    assert warm_start.by_key(before, [b"A", b"B"], [b"C", b"B"]).tolist() == [[9.0], [2.0], [9.0]]
