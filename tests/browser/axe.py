"""What axe-core (tests/vendor) finds in a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Frame

AXE = Path(__file__).resolve().parent.parent / "vendor" / "axe-core" / "axe.min.js"


def violations(frame: Frame) -> list[str]:
    """What axe-core finds in one document of the page: the rule and the elements that break it."""
    frame.evaluate(AXE.read_text(encoding="utf-8"))
    found = frame.evaluate("axe.run({ iframes: false })")
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found["violations"]]
