import pytest
import tensorflow as tf

from components.run_report.losses import losses


def write(folder, by_epoch) -> None:
    """As Keras' TensorBoard callback does."""
    with tf.summary.create_file_writer(str(folder)).as_default():
        for epoch, loss in by_epoch.items():
            tf.summary.scalar("epoch_auc", 0.7, step=epoch)
            tf.summary.scalar("epoch_loss", loss, step=epoch)


def test_every_epoch_is_there_in_order(tmp_path):
    expected = [1 / (epoch + 1) for epoch in range(40)]
    write(tmp_path / "train", dict(enumerate(expected)))
    write(tmp_path / "validation", {0: 0.5, 1: 0.25})
    assert losses(tmp_path) == {"train": pytest.approx(expected), "eval": [0.5, 0.25]}


def test_a_run_that_was_taken_up_again_goes_on_where_it_was(tmp_path):
    write(tmp_path / "train", {0: 0.5, 1: 0.25})
    write(tmp_path / "train", {1: 0.125, 2: 0.0625})
    assert losses(tmp_path)["train"] == [0.5, 0.125, 0.0625]


def test_a_loss_that_diverges_ends_the_curve(tmp_path):
    write(tmp_path / "train", {0: 0.5, 1: float("nan"), 2: 0.5})
    assert losses(tmp_path) == {"train": [0.5]}


def test_nothing_was_logged(tmp_path):
    assert losses(tmp_path) == {}
    (tmp_path / "train").mkdir()
    assert losses(tmp_path) == {}
