"""Fixtures that several test files share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from qa.bot import Bot
from qa.build import ensure_index
from qa.config import Settings
from qa.embed import load_encoder
from qa.machine import cores

if TYPE_CHECKING:
    from qa.types import Encoder

# Torch's threads spin while they wait; with several test processes on one machine steps of 0.1 s took 10 s. Read when it
# is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Elsewhere every run tries other examples; what lands must not depend on which. No deadline: machines are shared.
settings.register_profile("everywhere", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "everywhere")


@pytest.hookimpl(optionalhook=True)  # there is no such hook without pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Half as many processes again as cores: tests of pages and of processes wait for a third of their time."""
    return max(2, cores() * 3 // 2)


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


@pytest.fixture(scope="session")
def encoder() -> Encoder:
    """The bundled encoder."""
    return load_encoder()


@pytest.fixture(scope="session")
def seed_bot(encoder: Encoder, seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """The bot as it is shipped: the bundled encoder over seeds/."""
    settings = Settings(articles=seeds, index=tmp_path_factory.mktemp("seed-index"))
    return Bot(ensure_index(settings, encoder), encoder)


@pytest.fixture(scope="session")
def original_bot(encoder: Encoder, shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Bot:
    """The same over the original articles, page furniture and all."""
    settings = Settings(articles=shared / "articles", index=tmp_path_factory.mktemp("original-index"))
    return Bot(ensure_index(settings, encoder), encoder)


@pytest.fixture
def one_thread():
    """Models this small gain nothing from more, and test processes would take each other's cores."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
