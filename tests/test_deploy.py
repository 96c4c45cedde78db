"""What can be read of the deployment files without running them: nobody has root, nothing is writable, names exist."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import yaml

from qa.config import Settings

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


def test_the_image_runs_without_rights_and_copies_what_there_is() -> None:
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    last = text.rpartition("FROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert last.index("USER") < last.index("CMD [")
    kept = re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists()
            assert name in kept


def test_the_container_writes_nowhere_but_the_index_and_the_feedback() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]["article-qa"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    written = [volume for volume in service["volumes"] if not volume.endswith(":ro")]
    assert written == ["index:/data/index", "feedback:/data/feedback"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    names = {f"QA_{field.name.upper()}" for field in fields(Settings)}
    assert set(service["environment"]) <= names


def test_every_setting_that_the_docs_show_exists() -> None:
    names = {field.name for field in fields(Settings)}
    for name in ("DEPLOYMENT.md", "SECURITY.md", "API.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
            assert set(re.findall(r"^(\w+) =", block, re.MULTILINE)) <= names
        assert set(re.findall(r"`(\w+) = ", text)) <= names
