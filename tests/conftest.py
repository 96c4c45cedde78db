"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The originals and the data beside the checkout; a clone has none, continuous integration must."""
    folder = ROOT.parent / "shared"
    if (folder / "articles").is_dir():
        return folder
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI=true but {folder} is missing: these tests must run in continuous integration")
    pytest.skip("../shared is not there: tests over the original articles and data are skipped")


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The articles that ship with the project."""
    return ROOT / "seeds"
