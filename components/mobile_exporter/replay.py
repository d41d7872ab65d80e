"""Replay a tf.Transform graph with operations that TensorFlow Lite has built in.

The saved graph reads sparse tensors and looks up tables that TensorFlow Lite does not know. Replayed from its outputs back,
with these few operations replaced and all others as they are, it is the same preprocessing: nothing is specified twice.
"""

from collections.abc import Callable, Mapping

import tensorflow as tf

from components.shared.errors import NotConvertible

PER_SPARSE = 3  # tensors that a sparse input is flattened to: indices, values, shape


class TransformGraph:
    """A saved transform_fn as a function of dense columns.

    Args:
        folder: the `transform_fn` of a TransformGraph artifact.

    Attributes:
        outputs: names of the prepared features, the label among them.
        tables: the vocabularies of the look-ups; a module that calls this saves them if they are an attribute of it.
    """

    def __init__(self, folder: str):
        self._model = tf.saved_model.load(folder)
        function = self._model.transform_fn
        self._graph = function.graph
        self._captured = {inner.ref(): outer for outer, inner in function.graph.captures}
        self.tables = {
            operation.name: self._table(operation)
            for operation in self._graph.get_operations()
            if operation.type == "LookupTableFindV2"
        }
        columns = sorted(function.structured_input_signature[0][0])
        placeholders = [tensor for tensor in function.inputs if tensor.ref() not in self._captured]
        self._column = {
            tensor.ref(): name
            for position, name in enumerate(columns)
            for tensor in placeholders[position * PER_SPARSE : (position + 1) * PER_SPARSE]
        }
        self.outputs = sorted(function.structured_outputs)
        self._made: dict = {}  # of the graph that is being built, by the tensor of the saved one
        self._tensors = dict(zip(self.outputs, function.outputs, strict=True))

    def _table(self, operation: tf.Operation) -> tf.lookup.StaticHashTable:
        """Make the vocabulary of a look-up: "" stands for missing; each key also with the NUL that Java's strings end with."""
        handle, looked_up, default = operation.inputs
        keys, values = export(self._captured[handle.ref()])
        is_missing = tf.equal(keys, missing_token(looked_up))
        keys = tf.concat([keys, tf.zeros_like(keys[is_missing])], 0)
        values = tf.concat([values, values[is_missing]], 0)
        both = tf.concat([keys, tf.strings.join([keys, "\0"])], 0)
        initializer = tf.lookup.KeyValueTensorInitializer(both, tf.concat([values, values], 0))
        unseen = self._captured[default.ref()].numpy() if default.ref() in self._captured else tf.get_static_value(default)
        return tf.lookup.StaticHashTable(initializer, unseen.item())

    @tf.autograph.experimental.do_not_convert
    def __call__(self, columns: Mapping[str, tf.Tensor], names: list[str]) -> dict[str, tf.Tensor]:
        """Compute prepared features of shape [batch], by name, in the graph that is being built.

        Args:
            columns: raw columns of shape [batch]; NaN, "" and, of strings, the graph's own token stand for missing.
            names: of the prepared features wanted.

        Raises:
            NotConvertible: naming the prepared feature and the operation that has no counterpart.
        """
        self._columns, self._made = columns, {}
        result = {}
        for name in names:
            try:
                result[name] = self._tensor(self._tensors[name])
            except NotConvertible as error:
                raise NotConvertible(f"The prepared feature {name} cannot be exported: {error}") from error
        return result

    def _tensor(self, old: tf.Tensor) -> tf.Tensor:
        """Return the new graph's counterpart of a tensor."""
        if old.ref() not in self._made:
            if old.ref() in self._captured:
                self._made[old.ref()] = tf.constant(self._captured[old.ref()].numpy())
            elif old.ref() in self._column:
                raise NotConvertible(f"{old.op.name} is used otherwise than by being made dense; expected tf.sparse.to_dense")
            else:
                replace = REPLACED.get(old.op.type, TransformGraph._as_it_is)
                for output, new in zip(old.op.outputs, replace(self, old.op), strict=True):
                    self._made[output.ref()] = new
        return self._made[old.ref()]

    def _as_it_is(self, operation: tf.Operation) -> list[tf.Tensor]:
        inputs = [self._tensor(tensor) for tensor in operation.inputs]
        graph = tf.compat.v1.get_default_graph()
        types = [output.dtype for output in operation.outputs]
        copied = graph.create_op(operation.type, inputs, types, attrs=dict(operation.node_def.attr), name=operation.name)
        return copied.outputs

    def _dense(self, operation: tf.Operation) -> list[tf.Tensor]:
        """Replace SparseToDense of a raw column: shape [batch, 1], the default where the value is missing."""
        source = operation.inputs[0]
        while source.op.type == "Identity":
            source = source.op.inputs[0]
        name = self._column.get(source.ref())
        if name is None:
            raise NotConvertible(f"{operation.name} makes a computed tensor dense; expected only raw columns to be sparse")
        column, default = self._columns[name], self._tensor(operation.inputs[3])
        if column.dtype.is_floating:  # TensorFlow Lite cannot select among strings: the tables have "" as a key
            column = tf.where(tf.math.is_nan(column), default, column)
        return [tf.expand_dims(column, 1)]

    def _look_up(self, operation: tf.Operation) -> list[tf.Tensor]:
        keys = self._tensor(operation.inputs[1])
        # Without the reshape, a dynamic batch that is resized to 1 fails later: the converter loses the shape here.
        return [tf.reshape(self.tables[operation.name].lookup(keys), tf.shape(keys))]

    def _size(self, operation: tf.Operation) -> list[tf.Tensor]:
        _, values = export(self._captured[operation.inputs[0].ref()])
        return [tf.constant(len(values), tf.int64)]

    def _hash(self, operation: tf.Operation) -> list[tf.Tensor]:
        if (buckets := operation.get_attr("num_buckets")) != 1:
            raise NotConvertible(f"unseen values are hashed to {buckets} buckets; expected num_oov_buckets=1")
        return [tf.zeros(tf.shape(self._tensor(operation.inputs[0])), tf.int64)]


REPLACED: dict[str, Callable[[TransformGraph, tf.Operation], list[tf.Tensor]]] = {
    "SparseToDense": TransformGraph._dense,
    "LookupTableFindV2": TransformGraph._look_up,
    "LookupTableSizeV2": TransformGraph._size,
    "StringToHashBucketFast": TransformGraph._hash,
}


def export(handle: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return keys and values of a table."""
    with tf.init_scope():
        return tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=tf.string, Tvalues=tf.int64)


def missing_token(column: tf.Tensor) -> bytes:
    """Return what a dense column of strings holds where the raw one has no value."""
    while column.op.type != "SparseToDense":
        if not column.op.inputs:
            raise NotConvertible(f"{column.name} is looked up, and is no raw column that was made dense")
        column = column.op.inputs[0]
    return tf.get_static_value(column.op.inputs[3]).item()
