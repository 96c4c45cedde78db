"""Imports run one way, and `import qa` stays light."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "qa"

#: From the ground up; a module may import from its own line and from the lines above it.
LAYERS = [
    ["errors", "interaction", "machine", "numbered", "runtime", "scratch", "stopping", "types"],
    ["analysis", "batching", "config", "only", "text", "labels", "metrics", "wordtable"],
    ["encoding", "pieces"],
    ["torch_encoder"],
    ["likeness", "embed", "quantised"],
    ["parallel"],
    ["process_team", "ray_team"],
    ["workers"],
    ["measuring.questions", "measuring.datasets"],
    ["reading.dates", "reading.glue", "reading.imprint", "reading.furniture", "reading.lines", "reading.pdf"],
    ["reading.frontmatter", "reading.headline", "reading.formats", "reading.clean"],
    ["names"],
    ["periods"],
    ["when"],
    ["articles", "duplicates", "chunks", "manifest"],
    ["reading_process"],
    ["reader"],
    ["publish"],
    ["linked", "milvus.client"],
    ["milvus.collection"],
    ["milvus.store", "lexical_files", "segments", "seen"],
    ["lexical", "dense"],
    ["milvus.words"],
    ["corpus"],
    ["corpus_writer"],
    ["chunk_cache"],
    ["index"],
    ["hosting"],
    ["copying", "ingest"],
    ["build", "builds"],
    ["turns.classes"],
    ["courtesies"],
    ["asides", "slips", "turns.words"],
    ["turns.binding", "turns.parts"],
    ["turns.english", "turns.german"],
    ["turns.leaning"],
    ["conversation", "spelling"],
    ["asking"],
    ["retrieve"],
    ["recency", "filter_text"],
    ["quoting.words", "quoting.evidence"],
    ["quoting.quantities", "quoting.asked", "quoting.nouns"],
    ["quoting.phrases"],
    ["quoting.runs"],
    ["quoting.lines"],
    ["quoting.highlight", "quoting.lacking"],
    ["quoting.differing"],
    ["quoting.sources"],
    ["quoting.cite"],
    ["answer"],
    ["writing.figures"],
    ["writing.names"],
    ["writing.checks", "writing.prompt", "writing.transport"],
    ["writing.prose"],
    ["writer"],
    ["bot"],
    ["live"],
    ["reload", "watch"],
    ["feedback"],
    ["feedback_set"],
    ["doctor", "filter_row", "pages"],
    ["as_markdown"],
    ["answer_tools", "prose_turn"],
    ["ui"],
    ["server.problems", "server.limits", "server.tokens", "server.telemetry", "server.widget_texts"],
    ["server.signed", "server.desk"],
    ["server.access", "server.catalogue", "server.guard", "server.door"],
    ["server.service", "server.models", "server.failures", "server.following", "page_values"],
    ["server.feedback"],
    ["server.api", "server.listing", "server.contract", "server.assistants", "server.widget"],
    ["web"],
    ["measuring.judge", "evaluate"],
    ["measuring.figures", "measuring.floors", "measuring.plots"],
    ["measuring.report"],
    ["measuring.report_page", "measuring.scoreboard"],
    ["console"],
    ["flags"],
    ["feedback_commands", "index_commands"],
    ["cli"],
    ["__main__"],
]
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.stem != "__init__" and "train" not in path.parts
)


@functools.cache
def imported(module: str) -> set[str]:
    """Names of the modules of this package that a module imports anywhere in its text."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "qa":
            within = node.module.removeprefix("qa").removeprefix(".")
            found |= {within, *(f"{within}.{alias.name}".removeprefix(".") for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("qa.") for alias in node.names if alias.name.startswith("qa.")}
    return {name for name in found if name in MODULES or name.split(".")[0] == "train"}


def test_every_module_has_its_layer() -> None:
    assert sorted(name for layer in LAYERS for name in layer) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_down_the_layers(module: str) -> None:
    level = next(n for n, layer in enumerate(LAYERS) if module in layer)
    allowed = {name for layer in LAYERS[: level + 1] for name in layer} - {module}
    assert imported(module) <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_no_two_modules_import_each_other(module: str) -> None:
    assert not [other for other in imported(module) & set(MODULES) if module in imported(other)]


def test_nothing_imports_the_training_code() -> None:
    assert not [module for module in MODULES if any(name.split(".")[0] == "train" for name in imported(module))]


HEAVY = (
    "torch",
    "faiss",
    "gradio",
    "pymilvus",
    "transformers",
    "onnxruntime",
    "langchain_text_splitters",
    "openai",
    "ray",
)


@pytest.mark.parametrize("statement", ["import qa", "import qa.cli", "import qa.bot, qa.index, qa.build"])
def test_importing_loads_nothing_heavy(statement: str) -> None:
    code = f"import sys; {statement}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_one_door_leads_to_onnxruntime() -> None:
    """Loaded by another way it reports to its maker."""
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert "onnxruntime" not in {name.split(".")[0] for name in names}, path


def test_no_module_has_outgrown_its_file() -> None:
    long = [
        m
        for m in MODULES
        if len((PACKAGE / f"{m.replace('.', '/')}.py").read_text(encoding="utf-8").splitlines()) > 500
    ]
    assert long == []
