import numpy as np
import pytest
import tensorflow as tf

from pipeline.model import input_data

SPEC = {"distance": tf.io.FixedLenFeature([], tf.float32), "returned": tf.io.FixedLenFeature([], tf.int64)}
ROWS = 5_000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two shards; a row's distance is its number."""
    folder = tmp_path_factory.mktemp("examples")
    for shard, numbers in enumerate(np.array_split(np.arange(ROWS), 2)):
        with tf.io.TFRecordWriter(str(folder / f"{shard}.gz"), "GZIP") as writer:
            for number in numbers:
                features = {
                    "distance": tf.train.Feature(float_list=tf.train.FloatList(value=[number])),
                    "returned": tf.train.Feature(int64_list=tf.train.Int64List(value=[number % 2])),
                }
                writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())
    return sorted(map(str, folder.iterdir()))


@pytest.fixture(scope="module")
def split(files):
    return input_data.read(files, SPEC, "returned")


def rows(split, batches):
    return [(split.unpack(packed)["distance"].numpy().astype(int), label.numpy()) for packed, label in batches]


def test_every_row_once_with_its_label(split):
    assert len(split.label) == ROWS
    batches = rows(split, input_data.shuffled(split, 256, seed=1)(0))
    assert {len(label) for _, label in batches[:-1]} == {256} and len(batches[-1][1]) == ROWS % 256
    numbers = np.concatenate([numbers for numbers, _ in batches])
    np.testing.assert_array_equal(np.sort(numbers), np.arange(ROWS))
    np.testing.assert_array_equal(numbers % 2, np.concatenate([label for _, label in batches]))


def test_the_order_depends_on_seed_and_epoch_alone(files, split):
    first = order(split, seed=1, epoch=0)
    np.testing.assert_array_equal(first, order(split, seed=1, epoch=0))
    np.testing.assert_array_equal(first, order(input_data.read(files, SPEC, "returned"), seed=1, epoch=0))
    assert (first != order(split, seed=1, epoch=1)).mean() > 0.9
    assert (first != order(split, seed=2, epoch=0)).mean() > 0.9


def test_a_batch_is_drawn_from_all_shards(split):
    numbers, _ = rows(split, input_data.shuffled(split, 256, seed=1)(0).take(1))[0]
    assert 0.3 < (numbers < ROWS / 2).mean() < 0.7


def test_evaluation_keeps_the_order_and_takes_few_rows_at_a_time(files, split):
    batches = rows(split, input_data.in_order(split))
    assert [len(label) for _, label in batches] == [1024] * 4 + [ROWS - 4 * 1024]
    again = input_data.read(files, SPEC, "returned")
    np.testing.assert_array_equal(
        np.concatenate([numbers for numbers, _ in batches]),
        np.concatenate([numbers for numbers, _ in rows(again, input_data.in_order(again))]),
    )


def order(split, seed, epoch):
    batches = input_data.shuffled(split, 256, seed)(tf.constant(epoch, tf.int64))
    return np.concatenate([numbers for numbers, _ in rows(split, batches)])


def test_numbers_are_those_of_rows_all_over_the_split(split, monkeypatch):
    np.testing.assert_array_equal(split.numbers(["distance"])[:, 0], np.arange(ROWS))
    monkeypatch.setattr(input_data, "SAMPLE", 100)
    np.testing.assert_array_equal(split.numbers(["distance"])[:, 0], np.arange(0, ROWS, ROWS // 100))
