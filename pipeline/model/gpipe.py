"""Model parallelism in GPipe's way, for a network that does not fit one device.

Huang et al. 2019, "GPipe: Efficient Training of Giant Neural Networks using Pipeline Parallelism" (arXiv 1811.06965): the
network is cut into K stages, each on its own device, and a batch into M micro-batches that follow each other through them, so
that stage k works on one while stage k - 1 works on the next. Gradients are summed and applied once, as for the whole batch on
one device. A device idles for a share (K - 1) / (M + K - 1) of a step, the bubble.

Worth it when weights and activations do not fit one device; then every stage should cost about the same. Not for this project's
network of some 100,000 weights: it is here to be copied, and `tests/benchmarks/gpipe.py` measures it on a larger one. The
paper's re-materialization is left out, so activations are kept until the backward pass: `tf.recompute_grad` would run a stage
again with other dropout masks, since Keras' generators have moved on, and give the gradient of another network.
"""

from collections.abc import Callable, Sequence

import keras
import numpy as np
import tensorflow as tf

from components.shared.errors import BadConfig
from pipeline.model.heads import BINARY, Head
from pipeline.model.loops import Steps, Unpack
from pipeline.model.network import chained


class GPipe(Steps, keras.Model):
    """A network in stages; `loops.train` trains it like any other.

    Args:
        parts: the network as a chain of models: the first takes the features, the last gives answers of shape
            [batch, members], or [batch, members, classes]; in between, tensors or lists of tensors.
        devices: one for each stage.
        micro_batches: M. They share the rows of a batch as evenly as possible.
        optimizer: makes an optimizer. Each stage has its own, on its device.
        unpack, head: see `loops.create`.

    Raises:
        BadConfig: there are more stages than parts or no micro-batches, a device is not there, or a part has regularizers.
    """

    def __init__(
        self,
        parts: Sequence[keras.Model],
        devices: Sequence[str],
        micro_batches: int,
        optimizer: Callable[[], keras.optimizers.Optimizer],
        *,
        unpack: Unpack = dict,
        head: Head = BINARY,
    ):
        super().__init__()
        if not 1 <= len(devices) <= len(parts):
            raise BadConfig(f"{len(devices)} stages of {len(parts)} parts; expected 1 to {len(parts)} (train.devices)")
        if micro_batches < 1:
            raise BadConfig(f"{micro_batches} micro-batches; expected 1 or more (train.micro_batches)")
        found = {short(device.name) for device in tf.config.list_logical_devices()}
        if missing := [device for device in devices if short(device) not in found]:
            raise BadConfig(f"No device {', '.join(missing)}; TensorFlow sees {', '.join(sorted(found))}")
        if penalized := [part.name for part in parts if part.losses]:
            raise BadConfig(
                f"Regularizers in {', '.join(penalized)}; expected none: a stage sees the loss alone. "
                "Take the optimizer's weight_decay instead"
            )
        self.devices, self.micro_batches, self.unpack, self.head = list(devices), micro_batches, unpack, head
        self.stages, optimizers = [], []
        for device, members in zip(devices, np.array_split(np.arange(len(parts)), len(devices)), strict=True):
            with tf.device(device):
                self.stages.append(placed_copy([parts[index] for index in members]))
                optimizers.append(optimizer())
                optimizers[-1].build(self.stages[-1].trainable_variables)
        self.measure = head.metric()
        # Its optimizer is not used: Keras takes only one. XLA, which Keras picks where it finds a GPU, compiles for one device.
        self.compile(jit_compile=False)
        self.optimizer = StageOptimizers(optimizers, self.stages)

    def call(self, features, training=False):
        """Return answers of shape [batch, members], or [batch, members, classes]."""
        flow = features
        for stage, device in zip(self.stages, self.devices, strict=True):
            with tf.device(device):
                flow = stage(flow, training=training)
        return flow

    def descend(self, features, label, share):
        """Take a step, see `Steps.descend`. Unrolled: TensorFlow runs what is ready, so the stages overlap by themselves."""
        pieces = [cut((features, label, share), index, self.micro_batches) for index in range(self.micro_batches)]
        results = [self.there_and_back(*piece) for piece in pieces]
        for index, (device, one) in enumerate(zip(self.devices, self.optimizer.each, strict=True)):
            with tf.device(device):
                gradients = zip(*(result[2][index] for result in results), strict=True)
                one.apply([total(pieces) for pieces in gradients])
        return tuple(tf.concat([result[index] for result in results], axis=0) for index in range(2))

    def there_and_back(self, features, label, share):
        """Run one micro-batch forward and back: its rows' losses, their answers, and the gradients by stage."""
        flow, tapes, ends = self.unpack(features), [], []
        for index, (stage, device) in enumerate(zip(self.stages, self.devices, strict=True)):
            with tf.device(device), tf.GradientTape() as tape:
                start = tf.nest.map_structure(tf.identity, flow) if index else flow  # the copy to this device
                tape.watch([tensor for tensor in tf.nest.flatten(start) if tensor.dtype.is_floating])
                flow = stage(start, training=True)
                if stage is self.stages[-1]:
                    losses, answers = self.judge(label, flow)
                    flow = tf.reduce_sum(losses * share)
            tapes.append(tape)
            ends.append((start, flow))
        upstream, gradients = None, []
        for stage, device, tape, (start, end) in reversed(list(zip(self.stages, self.devices, tapes, ends, strict=True))):
            variables = [variable.value for variable in stage.trainable_variables]
            sources = {"start": [] if stage is self.stages[0] else start, "variables": variables}
            with tf.device(device):
                found = tape.gradient(end, sources, upstream, unconnected_gradients=tf.UnconnectedGradients.ZERO)
            gradients.insert(0, found["variables"])
            upstream = found["start"]
        return losses, answers, gradients


class StageOptimizers:
    """The stages' optimizers, in the part of an optimizer that loops and backup use."""

    def __init__(self, each: list[keras.optimizers.Optimizer], stages: list[keras.Model]):
        self.each, self._stages = each, stages

    @property
    def variables(self) -> list[keras.Variable]:
        return [variable for one in self.each for variable in one.variables]

    def finalize_variable_values(self, _: list[keras.Variable]) -> None:
        for one, stage in zip(self.each, self._stages, strict=True):
            one.finalize_variable_values(stage.trainable_variables)


def short(device: str) -> str:
    """Shorten a device's name: `/device:CPU:0` and `/cpu:0` become `cpu:0`."""
    return device.lower().rpartition("device:")[2].lstrip("/")


def placed_copy(parts: list[keras.Model]) -> keras.Model:
    """Copy parts into one model, with its weights in variables on the device of the current scope."""
    copy = chained([keras.models.clone_model(part) for part in parts])
    copy.set_weights([weight for part in parts for weight in part.get_weights()])
    return copy


def total(gradients: Sequence[tf.Tensor | tf.IndexedSlices]) -> tf.Tensor | tf.IndexedSlices:
    """Sum gradients. Those of embeddings stay sparse: Keras' Adam squares their pieces, and trains dense ones differently."""
    if isinstance(gradients[0], tf.IndexedSlices):
        values, indices = (tf.concat([getattr(one, name) for one in gradients], axis=0) for name in ("values", "indices"))
        return tf.IndexedSlices(values, indices, gradients[0].dense_shape)
    return tf.add_n(gradients)


def cut(batch, index: int, pieces: int):
    """Cut piece `index` from a nest of tensors of shape [rows, ...]; pieces differ by at most one row."""

    def piece(tensor: tf.Tensor) -> tf.Tensor:
        rows = tf.shape(tensor)[0]
        return tensor[rows * index // pieces : rows * (index + 1) // pieces]

    return tf.nest.map_structure(piece, batch)
