"""A small world told in two languages, and BERTs that are small enough to train on it within a test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from qa.train.pairs import Line, Parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
_NOUNS = (
    "river:fluss teacher:lehrer bridge:brücke doctor:arzt garden:garten engine:motor captain:kapitän letter:brief "
    "village:dorf judge:richter forest:wald baker:bäcker castle:schloss mountain:berg painter:maler kitchen:küche "
    "soldier:soldat window:fenster farmer:bauer mirror:spiegel"
)
_ADJECTIVES = "old:alte small:kleine green:grüne quiet:stille heavy:schwere empty:leere proud:stolze late:späte"
_VERBS = "sees:sieht paints:malt sells:verkauft praises:lobt follows:verfolgt repairs:repariert fears:fürchtet"
_GLUE = "the:die and:und why:warum ?:? .:."


def _pairs(words: str) -> list[tuple[str, str]]:
    return [(english, german) for english, _, german in (pair.partition(":") for pair in words.split())]


NOUNS, ADJECTIVES, VERBS, GLUE = (_pairs(words) for words in (_NOUNS, _ADJECTIVES, _VERBS, _GLUE))
DICTIONARY = [*NOUNS, *ADJECTIVES, *VERBS, *GLUE]
ENGLISH = sorted({english for english, _ in DICTIONARY})
GERMAN = sorted({german for _, german in DICTIONARY} - set(ENGLISH))


def sentences(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """English and German, one in eight a question."""
    random = np.random.default_rng(seed)

    def some(words: list[tuple[str, str]]) -> tuple[str, str]:
        return words[int(random.integers(len(words)))]

    found = []
    for at in range(count):
        words = [("the", "die"), some(ADJECTIVES), some(NOUNS), some(VERBS), ("the", "die"), some(NOUNS)]
        words += [("and", "und"), some(VERBS), ("the", "die"), some(ADJECTIVES), some(NOUNS)] if at % 3 == 0 else []
        words = [("why", "warum"), *words, ("?", "?")] if at % 8 == 7 else [*words, (".", ".")]
        found.append((" ".join(english for english, _ in words), " ".join(german for _, german in words)))
    return found


def parallel(count: int = 60, *, entries: bool = True, seed: int = 0) -> Parallel:
    """One document of so many sentences, and the dictionary."""
    lines = tuple(Line((english,), (german,)) for english, german in sentences(count, seed))
    return Parallel((lines,), tuple(Line((one,), (other,)) for one, other in DICTIONARY) if entries else ())


def write_data(folder: Path, count: int = 200) -> Path:
    """The same as files: half of the sentences in ``wmt_lines.jsonl``, half in ``sentence_pairs.tsv``."""
    folder.mkdir()
    found = sentences(count)
    rows = [{"g": "world", "p": "en-de", "s": english, "t": [german]} for english, german in found[: count // 2]]
    files = {
        "wmt_lines.jsonl": [json.dumps(row, ensure_ascii=False) for row in rows],
        "sentence_pairs.tsv": ["\t".join(pair) for pair in found[count // 2 :]],
        "dictionary.tsv": ["\t".join(pair) for pair in DICTIONARY],
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return folder


def tokenizer_of(words: Iterable[str]) -> Tokenizer:
    """Whole words, lower-cased; any other is unknown."""
    pieces = {piece: at for at, piece in enumerate([*SPECIAL, *words])}
    tokenizer = Tokenizer(models.WordPiece(pieces, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def random_weights(pieces: int, width: int = 32, layers: int = 2) -> dict[str, NDArray[np.float32]]:
    """Rows as far apart as a trained model's, layers that change little: a text's vector is close to its words' mean."""
    random = np.random.default_rng(7)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (pieces, width),
        "embeddings.position_embeddings.weight": (256, width),
        "embeddings.token_type_embeddings.weight": (2, width),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(layers):
        name = f"encoder.layer.{layer}"
        norms += [f"{name}.attention.output.LayerNorm", f"{name}.output.LayerNorm"]
        dense = {f"attention.self.{part}": (width, width) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (width, width)}
        dense |= {"intermediate.dense": (2 * width, width), "output.dense": (width, 2 * width)}
        for part, shape in dense.items():
            shapes |= {f"{name}.{part}.weight": shape, f"{name}.{part}.bias": shape[:1]}
    weights = {name: random.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}
    weights["embeddings.position_embeddings.weight"] /= 10
    for name in norms:
        weights |= {f"{name}.weight": np.ones(width, np.float32), f"{name}.bias": np.zeros(width, np.float32)}
    return weights


def write_bert(folder: Path, tokenizer: Tokenizer, weights: Mapping[str, NDArray[np.float32]], heads: int = 4) -> Path:
    """A sentence-transformers folder with mean pooling."""
    (folder / "1_Pooling").mkdir(parents=True)
    save_file(dict(weights), folder / "model.safetensors")
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary, width = weights["embeddings.word_embeddings.weight"].shape
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": width,
        "intermediate_size": len(weights["encoder.layer.0.intermediate.dense.bias"]),
        "layer_norm_eps": 1e-12,
        "max_position_embeddings": len(weights["embeddings.position_embeddings.weight"]),
        "num_attention_heads": heads,
        "num_hidden_layers": sum(name.endswith("attention.self.query.bias") for name in weights),
        "type_vocab_size": 2,
        "vocab_size": vocabulary,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "mean"}))
    return folder


def write_teacher(folder: Path) -> Path:
    """Knows the English words alone."""
    return write_bert(folder, tokenizer_of(ENGLISH), random_weights(len(SPECIAL) + len(ENGLISH)))


def write_student(folder: Path, *, knows: float = 0.5) -> Path:
    """The teacher with rows for the German words: ``knows`` times the right one (0 to 1, or -1: the opposite), and noise."""
    weights = random_weights(len(SPECIAL) + len(ENGLISH))
    rows = weights["embeddings.word_embeddings.weight"]
    noise = np.random.default_rng(8).normal(0, 0.05, (len(GERMAN), rows.shape[1])).astype(np.float32)
    english = {german: english for english, german in DICTIONARY}
    right = rows[[len(SPECIAL) + ENGLISH.index(english[word]) for word in GERMAN]]
    german = np.float32(knows) * right + np.float32(1 - abs(knows)) * noise
    weights["embeddings.word_embeddings.weight"] = np.concatenate([rows, german]).astype(np.float32)
    return write_bert(folder, tokenizer_of([*ENGLISH, *GERMAN]), weights)
