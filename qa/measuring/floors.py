"""Floors: what quality must not fall below (eval/floors.json). They rise by themselves and fall only with a reason."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa.errors import QAError

if TYPE_CHECKING:
    from qa.metrics import Estimate

#: Measures that have a floor, if a set has them.
GUARDED = (
    "correct",
    "first",
    "found",
    "quote precision",
    "citation accuracy",
    "exactness",
    "answered",
    "abstained",
    "silence F1",
    "AUROC",
    "hybrid/passage/nDCG@10",
    "hybrid/article/nDCG@10",
    "dense/passage/nDCG@10",
    "BM25/passage/nDCG@10",
)

#: How far below its floor a measure may lie: another processor rounds differently, and a question at the edge goes
#: over it. Half a point, or two questions of a small set. Quotes are exact on any machine.
TOLERANCE, TOLERATED_QUESTIONS = 0.005, 2
_EXACT = frozenset({"exactness"})

#: Digits of a floor.
_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Fall:
    """A measure that lies below its floor by more than is tolerated."""

    questions: str
    measure: str
    floor: float
    value: float

    def __str__(self) -> str:
        return f"{self.questions}: {self.measure} fell to {self.value:.4f}, its floor is {self.floor:.4f}"


@dataclass(frozen=True, slots=True)
class Lowered:
    """A floor that was lowered, and why."""

    questions: str
    measure: str
    before: float
    after: float
    reason: str


@dataclass(frozen=True, slots=True)
class Floors:
    """Floors by set and measure, and every lowering."""

    sets: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    lowered: tuple[Lowered, ...] = ()


def read_floors(path: Path) -> Floors:
    """Read the file; none at all is no floors.

    Raises:
        QAError: It is not what `write_floors` writes.
    """
    if not path.exists():
        return Floors()
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        sets = {name: {key: float(floor) for key, floor in floors.items()} for name, floors in record["sets"].items()}
        return Floors(sets, tuple(Lowered(**one) for one in record["lowered"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise QAError(f"{path} cannot be read as floors: {error!r}", "git checkout -- eval/floors.json") from None


def write_floors(path: Path, floors: Floors) -> None:
    """Write the file, sets and measures in a fixed order."""
    record = {
        "sets": {
            name: {key: values[key] for key in GUARDED if key in values} for name, values in sorted(floors.sets.items())
        },
        "lowered": [asdict(one) for one in floors.lowered],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def falls(floors: Floors, name: str, measured: Mapping[str, Estimate]) -> list[Fall]:
    """What fell below its floor; a measure that is gone has fallen to 0.

    Raises:
        QAError: The set has no floors.
    """
    if name not in floors.sets:
        raise QAError(f"there are no floors for {name}", f"qa eval … --name {name} --update sets them")
    fallen = []
    for measure, floor in floors.sets[name].items():
        one = measured.get(measure)
        if one is None or math.isnan(one.value):
            fallen.append(Fall(name, measure, floor, 0.0))
        elif one.value < floor - _tolerance(measure, one.n):
            fallen.append(Fall(name, measure, floor, one.value))
    return fallen


def raised(floors: Floors, name: str, measured: Mapping[str, Estimate], reason: str | None = None) -> Floors:
    """Floors brought up to what was measured.

    Args:
        floors: As they are.
        name: The set.
        measured: Its figures.
        reason: Why floors may be lowered too; None leaves those of measures that are lower but tolerated.

    Raises:
        QAError: A floor would have to be lowered, and there is no reason.
    """
    old = dict(floors.sets.get(name, {}))
    fallen = falls(floors, name, measured) if old else []
    if fallen and not reason:
        raise QAError(str(fallen[0]), '--allow-regression "why" lowers it')
    new = dict(old)
    lowered = list(floors.lowered)
    down = {fall.measure for fall in fallen}
    for measure in (*GUARDED, *(key for key in old if key not in GUARDED)):
        one = measured.get(measure)
        value = None if one is None or math.isnan(one.value) else math.floor(one.value * 10**_DIGITS) / 10**_DIGITS
        if measure in down:
            lowered.append(Lowered(name, measure, old[measure], value or 0.0, str(reason)))
            new.pop(measure)
        if value is not None and (measure in down or value > new.get(measure, -1.0)) and measure in GUARDED:
            new[measure] = value
    return Floors({**floors.sets, name: new}, tuple(lowered))


def _tolerance(measure: str, n: int) -> float:
    return 0.0 if measure in _EXACT else max(TOLERANCE, TOLERATED_QUESTIONS / n)
