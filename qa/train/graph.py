"""The graph of a BERT sentence encoder, built from its weights for :mod:`qa.train.export`: standard operators alone.

Weights are stored small (int8 with a scale per row or per output channel, or fp16). Matrices in int8 are multiplied as
they are, by states rounded to bytes with a scale for each word piece; in fp32 arithmetic, and for every other storage,
a session folds ``Cast`` and ``Mul`` of a constant to fp32 when it loads. The embedding table stays int8 in memory, as
its rows are gathered first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

try:
    from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Storage = Literal["fp32", "fp16", "int8"]
Arithmetic = Literal["fp32", "int8"]

#: Largest absolute value of a weight that is multiplied in integers. Processors without VNNI add two products of a byte
#: and a weight in 16 bits: 2 * 255 * 63 fits, 2 * 255 * 127 is cut off there, without notice.
INTEGER_WEIGHT = 63
#: Below the lowest value of Gelu, which is -0.16997 (at -0.7518).
GELU_LOWEST = -0.17

#: Gelu is an operator of its own from 20 on; onnxruntime reads 20 since 1.17, below the oldest version allowed.
OPSET = 20
IR_VERSION = 9


@dataclass(frozen=True, slots=True)
class Precision:
    """How weights are stored, ``rows`` being the table of word pieces and ``layers`` the matrices, and multiplied.

    ``arithmetic`` in int8 needs matrices stored in int8; with others it is fp32 whatever it says.
    """

    rows: Storage = "int8"
    layers: Storage = "int8"
    arithmetic: Arithmetic = "int8"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A sentence-transformers folder, read: weights in fp32, ``architecture`` as in a BERT ``config.json``."""

    weights: Mapping[str, NDArray[np.float32]]
    architecture: Mapping[str, Any]
    tokenizer: Mapping[str, Any]
    prompts: Mapping[str, str]


@dataclass(slots=True)
class Graph:
    """Nodes and initializers in the order in which they are added; a name is the name of its fp32 or integer tensor.

    Initializers that are there from the start, as stored in another file, stand in for those of their names.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    initializers: dict[str, TensorProto] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def op(self, kind: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None = None) -> str:
        """Add a node with one output, once for each kind, inputs and attributes; gives the name of the output."""
        said = repr((kind, list(inputs), sorted((attributes or {}).items())))
        if said not in self.made:
            self.made[said] = self._node(kind, inputs, attributes)
        return self.made[said]

    def _node(self, kind: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None) -> str:
        name = f"{kind}_{len(self.nodes)}"
        node = helper.make_node(kind, list(inputs), [name], name=name)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in sorted((attributes or {}).items()))
        self.nodes.append(node)
        return name

    def constant(self, name: str, values: NDArray[Any]) -> str:
        """Add an initializer, once for each name; gives the name."""
        if name not in self.initializers:
            self.initializers[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def number(self, value: float) -> str:
        """An fp32 scalar."""
        return self.constant(f"number:{value!r}", np.array(value, np.float32))

    def ints(self, *values: int) -> str:
        """An int64 vector."""
        return self.constant("ints:" + ",".join(map(str, values)), np.array(values, np.int64))

    def weight(self, name: str, values: NDArray[np.float32], storage: Storage) -> str:
        """Add a weight, int8 with a scale for each column; gives the name of its fp32 form."""
        if storage == "fp32":
            return self.constant(name, values)
        if storage == "fp16":
            return self.to_float(self.constant(name, values.astype(np.float16)))
        stored, scale = self.columns(name, values, 127)
        return self.op("Mul", [self.to_float(stored), scale])

    def columns(self, name: str, values: NDArray[np.float32], peak: int) -> tuple[str, str]:
        """Add a matrix as int8 from ``-peak`` to ``peak`` and a scale for each column; gives the names of both."""
        scale = _scale(values, axis=0, peak=peak)
        stored = self.constant(f"{name}.int8", np.rint(values / scale).astype(np.int8))
        return stored, self.constant(f"{name}.scale", scale)

    def rows(self, name: str, values: NDArray[np.float32], indices: str, storage: Storage) -> str:
        """Look rows up in a table, int8 with a scale for each row; gives the name of the fp32 rows."""
        if storage != "int8":
            table = self.constant(name, values.astype(np.float16 if storage == "fp16" else np.float32))
            gathered = self.op("Gather", [table, indices])
            return self.to_float(gathered) if storage == "fp16" else gathered
        scale = _scale(values, axis=1)
        table = self.constant(f"{name}.int8", np.rint(values / scale).astype(np.int8))
        scales = self.constant(f"{name}.scale", scale)
        gathered = self.to_float(self.op("Gather", [table, indices]))
        return self.op("Mul", [gathered, self.op("Gather", [scales, indices])])

    def to_float(self, name: str) -> str:
        """Cast to fp32."""
        return self.op("Cast", [name], {"to": TensorProto.FLOAT})


def _scale(values: NDArray[np.float32], axis: int, peak: int = 127) -> NDArray[np.float32]:
    """Steps that put the largest absolute value along ``axis`` at ``peak``; 1 where all are 0."""
    largest = np.abs(values).max(axis=axis, keepdims=True)
    return np.where(largest > 0, largest / peak, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class BertGraph:
    """The graph of a BERT encoder with mean pooling and unit length (Devlin et al. 2019; Reimers & Gurevych 2019).

    Standard operators alone: with ``MultiHeadAttention`` of onnxruntime's own passages went through no faster (128 a
    second instead of 129, one thread), with ``SkipLayerNormalization`` slower. States are kept as ``(b * s, width)``, a
    row for each word piece, so that a row's scale is a scale along an axis.
    """

    source: Checkpoint
    precision: Precision
    graph: Graph

    def build(self) -> ModelProto:
        """``input_ids`` and ``attention_mask``, int64 ``(b, s)``, to ``embedding``, fp32 ``(b, dim)``.

        ``states``, fp32 ``(b, s, dim)``, are what it is the mean of: for late interaction (`qa.interaction`). An output
        that nobody asks for costs nothing.
        """
        graph, width = self.graph, int(self.source.architecture["hidden_size"])
        hidden = self._embeddings()
        mask = graph.to_float("attention_mask")
        # -1e9 leaves exactly 0 after the softmax, so that padding changes no vector.
        gap = graph.op("Sub", [mask, graph.number(1.0)])
        bias = graph.op("Mul", [gap, graph.number(1e9)])
        bias = graph.op("Unsqueeze", [bias, graph.ints(1, 2)])
        for layer in range(int(self.source.architecture["num_hidden_layers"])):
            hidden = self._layer(hidden, bias, f"encoder.layer.{layer}")
        graph.nodes.append(helper.make_node("Reshape", [hidden, self._shape(width)], ["states"]))
        weights = graph.op("Unsqueeze", [mask, graph.ints(2)])
        total = graph.op("ReduceSum", [graph.op("Mul", ["states", weights]), graph.ints(1)], {"keepdims": 0})
        # Mean pooling followed by unit length: the division by the number of pieces cancels.
        graph.nodes.append(helper.make_node("LpNormalization", [total], ["embedding"], axis=-1, p=2))
        ids = [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"])
            for name in ("input_ids", "attention_mask")
        ]
        outputs = [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", width]),
            helper.make_tensor_value_info("states", TensorProto.FLOAT, ["batch", "sequence", width]),
        ]
        read = {name for node in graph.nodes for name in node.input}
        stored = [tensor for name, tensor in graph.initializers.items() if name in read]
        return helper.make_model(
            helper.make_graph(graph.nodes, "sentence-encoder", ids, outputs, stored),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="article-qa",
        )

    def _shape(self, *last: int) -> str:
        """``(b, s, *last)``."""
        graph = self.graph
        return graph.op("Concat", [graph.op("Shape", ["input_ids"]), graph.ints(*last)], {"axis": 0})

    def _embeddings(self) -> str:
        graph, width = self.graph, int(self.source.architecture["hidden_size"])
        word = "embeddings.word_embeddings.weight"
        pieces = graph.rows(word, self.source.weights[word], "input_ids", self.precision.rows)
        positions = self._weight("embeddings.position_embeddings.weight")
        length = graph.op("Shape", ["input_ids"], {"start": 1, "end": 2})
        positions = graph.op("Slice", [positions, graph.ints(0), length, graph.ints(0)])
        kinds = self._weight("embeddings.token_type_embeddings.weight")
        first = graph.op("Gather", [kinds, graph.ints(0)])
        summed = graph.op("Add", [graph.op("Add", [pieces, positions]), first])
        return self._norm(graph.op("Reshape", [summed, graph.ints(-1, width)]), "embeddings.LayerNorm")

    def _layer(self, hidden: str, bias: str, name: str) -> str:
        graph = self.graph
        attended = self._attention(hidden, bias, f"{name}.attention.self")
        attended = self._dense(attended, f"{name}.attention.output.dense")
        hidden = self._norm(graph.op("Add", [attended, hidden]), f"{name}.attention.output.LayerNorm")
        inner = graph.op("Gelu", [self._dense(hidden, f"{name}.intermediate.dense")])
        outer = self._dense(inner, f"{name}.output.dense", lowest=GELU_LOWEST)
        return self._norm(graph.op("Add", [outer, hidden]), f"{name}.output.LayerNorm")

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        graph = self.graph
        heads = int(self.source.architecture["num_attention_heads"])
        size = int(self.source.architecture["hidden_size"]) // heads
        query, key, value = (
            graph.op("Reshape", [self._dense(hidden, f"{name}.{part}"), self._shape(heads, size)])
            for part in ("query", "key", "value")
        )
        query = graph.op("Transpose", [query], {"perm": [0, 2, 1, 3]})
        key = graph.op("Transpose", [key], {"perm": [0, 2, 3, 1]})
        value = graph.op("Transpose", [value], {"perm": [0, 2, 1, 3]})
        scores = graph.op("Mul", [graph.op("MatMul", [query, key]), graph.number(size**-0.5)])
        shares = graph.op("Softmax", [graph.op("Add", [scores, bias])], {"axis": -1})
        mixed = graph.op("Transpose", [graph.op("MatMul", [shares, value])], {"perm": [0, 2, 1, 3]})
        return graph.op("Reshape", [mixed, graph.ints(-1, heads * size)])

    def _dense(self, hidden: str, name: str, lowest: float | None = None) -> str:
        if self.precision.layers == "int8" and self.precision.arithmetic == "int8":
            product = self._integer_product(hidden, name, lowest)
        else:
            matrix = self.source.weights[f"{name}.weight"].T
            stored = self.graph.weight(f"{name}.weight", matrix, self.precision.layers)
            product = self.graph.op("MatMul", [hidden, stored])
        return self.graph.op("Add", [product, self._weight(f"{name}.bias")])

    def _integer_product(self, hidden: str, name: str, lowest: float | None) -> str:
        """The product in integers: 3 to 5 times the speed of fp32 where the processor has VNNI.

        Each row of ``hidden`` has a scale of its own (as in Dettmers et al. 2022, "LLM.int8()", vector-wise). One scale
        for all rows, as onnxruntime's dynamic quantisation takes it, would make a vector depend on its neighbours in
        the batch. The order of the two scales stands: a last bit that differs makes other integers of some states, and
        six layers make of that another vector (cosine down to 0.9985, as far as integers are from fp32).
        """
        graph = self.graph
        scale = graph.op("Mul", [self._peaks(hidden, lowest), graph.number(1 / 127)])
        middle = graph.constant("middle", np.array(128, np.uint8))
        pieces = graph.op("ReduceProd", [graph.op("Shape", ["input_ids"]), graph.ints(0)], {"keepdims": 1})
        middles = graph.op("Expand", [middle, pieces])
        rows = graph.op("QuantizeLinear", [hidden, scale, middles], {"axis": 0})
        matrix, columns = graph.columns(f"{name}.weight", self.source.weights[f"{name}.weight"].T, INTEGER_WEIGHT)
        product = graph.op("MatMulInteger", [rows, matrix, middle])
        return graph.op("Mul", [graph.op("DequantizeLinear", [product, scale], {"axis": 0}), columns])

    def _peaks(self, hidden: str, lowest: float | None) -> str:
        """The largest absolute value of each row of ``hidden``, ``(b * s,)``; at least -``lowest``, or 1e-9.

        ``lowest`` is the lowest value that there can be, if that is known: it saves a pass to take absolute values. A
        row of which no value is above -``lowest`` gets a scale wider than it needs.
        """
        graph = self.graph
        values = graph.op("Abs", [hidden]) if lowest is None else hidden
        largest = graph.op("ReduceMax", [values, graph.ints(-1)], {"keepdims": 0})
        # 0 / 0 where a row is nothing but zeros.
        return graph.op("Max", [largest, graph.number(1e-9 if lowest is None else -lowest)])

    def _norm(self, hidden: str, name: str) -> str:
        epsilon = float(self.source.architecture["layer_norm_eps"])
        inputs = [hidden, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self.graph.op("LayerNormalization", inputs, {"axis": -1, "epsilon": epsilon})

    def _weight(self, name: str) -> str:
        """A bias, a norm or a position table: under 2 % of the bytes, so never int8."""
        storage: Storage = "fp32" if self.precision.layers == "fp32" else "fp16"
        return self.graph.weight(name, self.source.weights[name], storage)
