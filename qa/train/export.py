"""A sentence-transformers BERT folder to the compact ONNX folder that ``qa.embed`` runs, and back.

``python -m qa.train.export SOURCE TARGET`` writes ``model.onnx``, ``tokenizer.json`` and ``config.json``;
``python -m qa.train.export --to-sentence-transformers TARGET`` writes the bundled encoder as a standard
sentence-transformers folder. The graph is built from the state dict: its initializers keep the names of the weights,
so the way back needs nothing but the file. Two exports of one folder are the same bytes.
``python -m qa.train.export --rebuild FOLDER TARGET`` writes an exported folder again with the graph as it is built
now and every stored number as it was. How weights are stored and multiplied: :mod:`qa.train.graph`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

try:
    import onnx
    from onnx import numpy_helper
    from safetensors.numpy import load_file, save_file
except ImportError as missing:
    raise ImportError(f"{missing.msg} - pip install 'article-qa[train]'") from missing

from qa.embed import BUNDLED, CONFIG_FILE, FORMAT, MODEL_FILE, TOKENIZER_FILE
from qa.errors import EncoderError, QAError
from qa.train.graph import BertGraph, Checkpoint, Graph, Precision

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

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
    checkpoint = read_checkpoint(source)
    described = {"name": name or source.resolve().name, "provenance": provenance}
    _write_export(target, checkpoint, precision or Precision(), Graph(), described)


def rebuild(folder: Path, target: Path) -> None:
    """Write an exported folder again: the graph as `BertGraph` builds it now, all weights and scales bit for bit.

    Args:
        folder: Written by `export`; files that its ``config.json`` names beside those of `export` go along.
        target: Made when missing; may be ``folder``.

    Raises:
        EncoderError: ``folder`` holds no exported encoder.
    """
    exported = _read_export(folder)
    config = exported.config
    # Those weights give names and shapes alone: what is stored under their names is there already.
    weights = {name: values.astype(np.float32) for name, values in stored_weights(exported.model).items()}
    checkpoint = Checkpoint(weights, config["bert"], exported.tokenizer, config["prompts"])
    graph = Graph(initializers={tensor.name: tensor for tensor in exported.model.graph.initializer})
    described = {"name": config["name"], "provenance": config["provenance"], "max_tokens": config["max_tokens"]}
    beside = sorted(set(config["sha256"]) - {MODEL_FILE, TOKENIZER_FILE})
    others = {file: (folder / file).read_bytes() for file in beside}
    _write_export(target, checkpoint, Precision(**config["precision"]), graph, described, others)


def add_file(folder: Path, name: str, content: bytes) -> None:
    """Write one more file of an exported encoder, and its checksum into ``config.json``."""
    (folder / name).write_bytes(content)
    config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
    config["sha256"][name] = hashlib.sha256(content).hexdigest()
    _write_json(folder / CONFIG_FILE, config)


def _write_export(
    target: Path,
    checkpoint: Checkpoint,
    precision: Precision,
    graph: Graph,
    described: Mapping[str, Any],
    others: Mapping[str, bytes] | None = None,
) -> None:
    model = BertGraph(checkpoint, precision, graph).build()
    onnx.checker.check_model(model)
    tokenizer = dict(checkpoint.tokenizer) | {"truncation": None, "padding": None}
    target.mkdir(parents=True, exist_ok=True)
    contents = {
        MODEL_FILE: model.SerializeToString(deterministic=True),
        TOKENIZER_FILE: json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")).encode(),
        **(others or {}),
    }
    for file, content in contents.items():
        (target / file).write_bytes(content)
    positions = int(checkpoint.architecture["max_position_embeddings"])
    config = {
        "format": FORMAT,
        "dim": checkpoint.architecture["hidden_size"],
        "max_tokens": min(MAX_TOKENS, positions),
        "pooling": "mean",
        "prompts": dict(checkpoint.prompts),
        "sha256": {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()},
        "precision": asdict(precision),
        "bert": dict(checkpoint.architecture),
        "table": table_place(model, contents[MODEL_FILE]),
        **described,
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
    exported = _read_export(folder)
    write_sentence_transformers(target, stored_weights(exported.model), exported.tokenizer, exported.config)


@dataclass(frozen=True, slots=True)
class _Exported:
    """An exported folder, read."""

    model: onnx.ModelProto
    tokenizer: Mapping[str, Any]
    config: Mapping[str, Any]


def _read_export(folder: Path) -> _Exported:
    try:
        config = json.loads((folder / CONFIG_FILE).read_text("utf-8"))
        model = onnx.load(folder / MODEL_FILE)
        tokenizer = json.loads((folder / TOKENIZER_FILE).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise EncoderError(f"{folder} holds no exported encoder: {error}", "name another --model") from error
    return _Exported(model, tokenizer, config)


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
    parser.add_argument("--rebuild", action="store_true", help="SOURCE is an exported folder: its graph anew")
    parser.add_argument("--to-sentence-transformers", type=Path, metavar="TARGET", help="the way back")
    parser.add_argument("--model", type=Path, default=BUNDLED, help="exported folder to turn back")
    options = parser.parse_args(arguments)
    try:
        if options.to_sentence_transformers:
            to_sentence_transformers(options.model, options.to_sentence_transformers)
        elif options.rebuild and options.source and options.target:
            rebuild(options.source, options.target)
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
