"""A sentence-transformers BERT folder to the compact ONNX folder that ``qa.embed`` runs, and back.

``python -m qa.train.export SOURCE TARGET`` writes ``model.onnx``, ``tokenizer.json`` and ``config.json``;
``python -m qa.train.export --to-sentence-transformers TARGET`` writes the bundled encoder as a standard
sentence-transformers folder. The graph is built from the state dict: its initializers keep the names of the weights,
so the way back needs nothing but the file. Two exports of one folder are the same bytes.

Weights are stored small (int8 with a scale per row or per output channel, or fp16). Matrices in int8 are multiplied as
they are, by states rounded to bytes with a scale for each word piece; with ``--arithmetic fp32``, and for every other
storage, a session folds ``Cast`` and ``Mul`` of a constant to fp32 when it loads. The embedding table stays int8 in
memory, as its rows are gathered first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import load_file, save_file
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

from qa.embed import BUNDLED, CONFIG_FILE, FORMAT, MODEL_FILE, TOKENIZER_FILE
from qa.errors import EncoderError, QAError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Storage = Literal["fp32", "fp16", "int8"]
Arithmetic = Literal["fp32", "int8"]

#: Largest absolute value of a weight that is multiplied in integers. Processors without VNNI add two products of a byte
#: and a weight in 16 bits: 2 * 255 * 63 fits, 2 * 255 * 127 is cut off there, without notice.
INTEGER_WEIGHT = 63

#: Gelu is an operator of its own from 20 on; onnxruntime reads 20 since 1.17, below the oldest version allowed.
OPSET = 20
IR_VERSION = 9
#: Pieces of a text that count. The checkpoint was trained on passages of up to 160 pieces; positions end at 512.
MAX_TOKENS = 256
#: What the graph can compute; a config that asks for another value of these is refused.
_SUPPORTED = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
_ARCHITECTURE = (
    "hidden_size",
    "intermediate_size",
    "layer_norm_eps",
    "max_position_embeddings",
    "num_attention_heads",
    "num_hidden_layers",
    "type_vocab_size",
    "vocab_size",
)


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
    """Nodes and initializers in the order in which they are added; a name is the name of its fp32 or integer tensor."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    initializers: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def op(self, kind: str, inputs: Sequence[str], attributes: Mapping[str, Any] | None = None) -> str:
        """Add a node with one output; gives the name of the output."""
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

    Standard operators alone: with ``MultiHeadAttention`` or ``Attention`` of onnxruntime's own, or with one matrix for
    query, key and value, passages went through no faster (36 a second instead of 38, one thread).
    """

    source: Checkpoint
    precision: Precision
    graph: Graph
    #: What has been made integers already: states to the names of their rows and scales.
    quantised: dict[str, tuple[str, str]] = field(default_factory=dict)

    def build(self) -> onnx.ModelProto:
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
        graph.nodes[-1].output[0] = hidden = "states"
        weights = graph.op("Unsqueeze", [mask, graph.ints(2)])
        total = graph.op("ReduceSum", [graph.op("Mul", [hidden, weights]), graph.ints(1)], {"keepdims": 0})
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
        return helper.make_model(
            helper.make_graph(graph.nodes, "sentence-encoder", ids, outputs, list(graph.initializers.values())),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="article-qa",
        )

    def _embeddings(self) -> str:
        graph = self.graph
        word = "embeddings.word_embeddings.weight"
        pieces = graph.rows(word, self.source.weights[word], "input_ids", self.precision.rows)
        positions = self._weight("embeddings.position_embeddings.weight")
        length = graph.op("Shape", ["input_ids"], {"start": 1, "end": 2})
        positions = graph.op("Slice", [positions, graph.ints(0), length, graph.ints(0)])
        kinds = self._weight("embeddings.token_type_embeddings.weight")
        first = graph.op("Gather", [kinds, graph.ints(0)])
        summed = graph.op("Add", [graph.op("Add", [pieces, positions]), first])
        return self._norm(summed, "embeddings.LayerNorm")

    def _layer(self, hidden: str, bias: str, name: str) -> str:
        graph = self.graph
        attended = self._attention(hidden, bias, f"{name}.attention.self")
        attended = self._dense(attended, f"{name}.attention.output.dense")
        hidden = self._norm(graph.op("Add", [attended, hidden]), f"{name}.attention.output.LayerNorm")
        inner = graph.op("Gelu", [self._dense(hidden, f"{name}.intermediate.dense")])
        outer = self._dense(inner, f"{name}.output.dense")
        return self._norm(graph.op("Add", [outer, hidden]), f"{name}.output.LayerNorm")

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        graph = self.graph
        heads = int(self.source.architecture["num_attention_heads"])
        size = int(self.source.architecture["hidden_size"]) // heads
        query, key, value = (
            graph.op("Reshape", [self._dense(hidden, f"{name}.{part}"), graph.ints(0, 0, heads, size)])
            for part in ("query", "key", "value")
        )
        query = graph.op("Transpose", [query], {"perm": [0, 2, 1, 3]})
        key = graph.op("Transpose", [key], {"perm": [0, 2, 3, 1]})
        value = graph.op("Transpose", [value], {"perm": [0, 2, 1, 3]})
        scores = graph.op("Mul", [graph.op("MatMul", [query, key]), graph.number(size**-0.5)])
        shares = graph.op("Softmax", [graph.op("Add", [scores, bias])], {"axis": -1})
        mixed = graph.op("Transpose", [graph.op("MatMul", [shares, value])], {"perm": [0, 2, 1, 3]})
        return graph.op("Reshape", [mixed, graph.ints(0, 0, heads * size)])

    def _dense(self, hidden: str, name: str) -> str:
        if self.precision.layers == "int8" and self.precision.arithmetic == "int8":
            return self._integer_dense(hidden, name)
        matrix = self.graph.weight(f"{name}.weight", self.source.weights[f"{name}.weight"].T, self.precision.layers)
        return self.graph.op("Add", [self.graph.op("MatMul", [hidden, matrix]), self._weight(f"{name}.bias")])

    def _integer_dense(self, hidden: str, name: str) -> str:
        """The product in integers: 3 to 5 times the speed of fp32 where the processor has VNNI.

        Each row of ``hidden`` has a scale of its own (as in Dettmers et al. 2022, "LLM.int8()", vector-wise). One scale
        for all rows, as onnxruntime's dynamic quantisation takes it, would make a vector depend on its neighbours in
        the batch.
        """
        graph = self.graph
        rows, scale = self.quantised.get(hidden, ("", ""))
        if not rows:
            largest = graph.op("ReduceMax", [graph.op("Abs", [hidden]), graph.ints(-1)], {"keepdims": 1})
            # 0 / 0 where a row is nothing but zeros.
            largest = graph.op("Max", [largest, graph.number(1e-9)])
            scale = graph.op("Mul", [largest, graph.number(1 / 127)])
            middle = graph.constant("middle", np.array(128, np.uint8))
            rows = graph.op("QuantizeLinear", [graph.op("Div", [hidden, scale]), graph.number(1.0), middle])
            self.quantised[hidden] = (rows, scale)
        matrix, columns = graph.columns(f"{name}.weight", self.source.weights[f"{name}.weight"].T, INTEGER_WEIGHT)
        product = graph.to_float(graph.op("MatMulInteger", [rows, matrix, "middle"]))
        product = graph.op("Mul", [graph.op("Mul", [product, scale]), columns])
        return graph.op("Add", [product, self._weight(f"{name}.bias")])

    def _norm(self, hidden: str, name: str) -> str:
        epsilon = float(self.source.architecture["layer_norm_eps"])
        inputs = [hidden, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self.graph.op("LayerNormalization", inputs, {"axis": -1, "epsilon": epsilon})

    def _weight(self, name: str) -> str:
        """A bias, a norm or a position table: under 2 % of the bytes, so never int8."""
        storage: Storage = "fp32" if self.precision.layers == "fp32" else "fp16"
        return self.graph.weight(name, self.source.weights[name], storage)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read a sentence-transformers folder: a BERT with mean pooling.

    Raises:
        EncoderError: A file is missing or the model is not one that the graph can compute.
    """
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
        tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        weights = load_file(folder / "model.safetensors")
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(
            f"{folder} is not a sentence-transformers BERT folder: {error}", "name another folder"
        ) from error
    wrong = {key: config.get(key) for key, value in _SUPPORTED.items() if config.get(key, value) != value}
    mean = pooling.get("pooling_mode") == "mean" or pooling.get("pooling_mode_mean_tokens") is True
    if wrong or not mean:
        raise EncoderError(
            f"{folder} is not a BERT with mean pooling: {wrong or pooling}", f"needed: {_SUPPORTED}, mean pooling"
        )
    extra = folder / "config_sentence_transformers.json"
    prompts = json.loads(extra.read_text("utf-8")).get("prompts") or {} if extra.is_file() else {}
    return Checkpoint(
        weights={name.removeprefix("bert."): values.astype(np.float32) for name, values in weights.items()},
        architecture={key: config[key] for key in _ARCHITECTURE},
        tokenizer=tokenizer,
        prompts={
            "query": prompts.get("query") or "",
            "passage": prompts.get("document") or prompts.get("passage") or "",
        },
    )


def export(
    source: Path, target: Path, *, precision: Precision | None = None, provenance: str = "", name: str = ""
) -> None:
    """Write ``model.onnx``, ``tokenizer.json`` and ``config.json`` into ``target``.

    Args:
        source: A sentence-transformers folder, BERT with mean pooling.
        target: Made when missing; files of these names are replaced.
        precision: How weights are stored; int8 throughout when left out.
        provenance: One line for ``config.json``: where the weights come from.
        name: Name of the encoder in ``config.json``; the name of ``source`` when left out.

    Raises:
        EncoderError: ``source`` is not such a folder.
    """
    precision = precision or Precision()
    checkpoint = read_checkpoint(source)
    model = BertGraph(checkpoint, precision, Graph()).build()
    onnx.checker.check_model(model)
    tokenizer = dict(checkpoint.tokenizer) | {"truncation": None, "padding": None}
    target.mkdir(parents=True, exist_ok=True)
    contents = {
        MODEL_FILE: model.SerializeToString(deterministic=True),
        TOKENIZER_FILE: json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode(),
    }
    for file, content in contents.items():
        (target / file).write_bytes(content)
    positions = int(checkpoint.architecture["max_position_embeddings"])
    config = {
        "format": FORMAT,
        "name": name or source.resolve().name,
        "dim": checkpoint.architecture["hidden_size"],
        "max_tokens": min(MAX_TOKENS, positions),
        "pooling": "mean",
        "prompts": dict(checkpoint.prompts),
        "sha256": {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()},
        "precision": asdict(precision),
        "provenance": provenance,
        "bert": dict(checkpoint.architecture),
        "table": table_place(model, contents[MODEL_FILE]),
    }
    _write_json(target / CONFIG_FILE, config)


def table_place(model: onnx.ModelProto, content: bytes) -> dict[str, int | str]:
    """Where the table of word pieces lies in the file ``content`` of ``model``, for `qa.embed` to look words up in.

    Returns:
        ``pieces``, ``dtype`` and ``offset`` of the rows, and ``scales``, the offset of their fp32 factors, if any.
    """
    word = "embeddings.word_embeddings.weight"
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    table = stored.get(f"{word}.int8", stored.get(word))
    if table is None:
        raise ValueError(f"the graph has no {word}")
    values = numpy_helper.to_array(table)
    place: dict[str, int | str] = {
        "pieces": len(values),
        "dtype": values.dtype.newbyteorder("<").str,
        "offset": content.index(table.raw_data),
    }
    if f"{word}.scale" in stored:
        place["scales"] = content.index(stored[f"{word}.scale"].raw_data)
    return place


def stored_weights(model: onnx.ModelProto) -> dict[str, NDArray[np.float16]]:
    """The weights of an exported graph under their names in the state dict, as fp16."""
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    weights: dict[str, NDArray[np.float16]] = {}
    for name, values in stored.items():
        key = name.removesuffix(".int8")
        if not key.endswith((".weight", ".bias")):
            continue
        scaled = values.astype(np.float32) * stored[f"{key}.scale"] if key != name else values
        matrix = scaled.ndim == 2 and not key.startswith("embeddings.")  # noqa: PLR2004 - rank of a matrix
        weights[key] = np.ascontiguousarray(scaled.T if matrix else scaled).astype(np.float16)
    return weights


def to_sentence_transformers(folder: Path, target: Path) -> None:
    """Write an exported folder back as a sentence-transformers folder: weights stored as fp16, loaded as fp32.

    Raises:
        EncoderError: ``folder`` holds no exported encoder.
    """
    try:
        config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        model = onnx.load(folder / MODEL_FILE)
        tokenizer = json.loads((folder / TOKENIZER_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{folder} holds no exported encoder: {error}", "name another --model") from error
    write_sentence_transformers(target, stored_weights(model), tokenizer, config)


def write_sentence_transformers(
    target: Path,
    weights: Mapping[str, NDArray[np.float16] | NDArray[np.float32]],
    tokenizer: Mapping[str, Any],
    config: Mapping[str, Any],
) -> None:
    """Write a sentence-transformers folder; the weights last, so that a folder that has them is whole.

    Args:
        target: Made when missing; files of these names are replaced.
        weights: Of a BERT; its pooler, which mean pooling does not use, is written as zeros, so that loading reports
            nothing missing.
        tokenizer: The content of ``tokenizer.json``.
        config: ``bert`` (the architecture), ``dim``, ``max_tokens``, ``prompts``, as in ``config.json`` of an export.
    """
    target.mkdir(parents=True, exist_ok=True)
    for file, content in _sentence_transformers_files(config).items():
        (target / file).parent.mkdir(exist_ok=True)
        _write_json(target / file, content)
    (target / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")
    width = int(config["dim"])
    pooler = {"pooler.dense.weight": np.zeros((width, width)), "pooler.dense.bias": np.zeros(width)}
    kind = next(iter(weights.values())).dtype
    fresh = target / "model.safetensors.new"
    everything = {**weights, **{name: zeros.astype(kind) for name, zeros in pooler.items()}}
    save_file(everything, fresh, metadata={"format": "pt"})
    fresh.replace(target / "model.safetensors")


def _sentence_transformers_files(config: Mapping[str, Any]) -> dict[str, Any]:
    prompts = {"query": config["prompts"]["query"], "document": config["prompts"]["passage"]}
    return {
        "config.json": {
            "architectures": ["BertModel"],
            "attention_probs_dropout_prob": 0.1,
            "dtype": "float32",
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "model_type": "bert",
            "pad_token_id": 0,
            **config["bert"],
        },
        "tokenizer_config.json": {
            "cls_token": "[CLS]",
            "mask_token": "[MASK]",
            "model_max_length": config["max_tokens"],
            "pad_token": "[PAD]",
            "sep_token": "[SEP]",
            # Not BertTokenizer: it puts a normalizer of its own in the place of the one in tokenizer.json.
            "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": "[UNK]",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": config["max_tokens"], "do_lower_case": False},
        "1_Pooling/config.json": {
            "word_embedding_dimension": config["dim"],
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
        },
        "config_sentence_transformers.json": {"prompts": prompts, "similarity_fn_name": "cosine"},
    }


def _write_json(path: Path, content: object) -> None:
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)
    path.write_text(text + "\n", "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m qa.train.export", description=__doc__)
    parser.add_argument("source", type=Path, nargs="?", help="sentence-transformers folder (BERT, mean pooling)")
    parser.add_argument("target", type=Path, nargs="?", help="folder to write model.onnx and its files into")
    parser.add_argument("--rows", choices=["fp32", "fp16", "int8"], default="int8", help="table of pieces")
    parser.add_argument("--layers", choices=["fp32", "fp16", "int8"], default="int8", help="matrices")
    parser.add_argument("--arithmetic", choices=["fp32", "int8"], default="int8", help="of matrices stored in int8")
    parser.add_argument("--provenance", default="", help="one line on where the weights come from")
    parser.add_argument("--name", default="", help="name of the encoder, else that of the source folder")
    parser.add_argument("--to-sentence-transformers", type=Path, metavar="TARGET", help="the way back")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="exported folder to turn back")
    options = parser.parse_args(arguments)
    try:
        if options.to_sentence_transformers:
            to_sentence_transformers(options.model, options.to_sentence_transformers)
        elif options.source and options.target:
            export(
                options.source,
                options.target,
                precision=Precision(options.rows, options.layers, options.arithmetic),
                provenance=options.provenance,
                name=options.name,
            )
        else:
            parser.error("give SOURCE and TARGET, or --to-sentence-transformers TARGET")
    except QAError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
