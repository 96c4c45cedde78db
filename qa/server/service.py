"""What every part of the server works with, made once from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa.server.catalogue import Catalogue
from qa.server.desk import Desk
from qa.server.telemetry import IndexState, Telemetry

if TYPE_CHECKING:
    from qa.bot import Bot
    from qa.config import Settings


@dataclass(frozen=True, slots=True)
class Service:
    """One bot at work on the network.

    Attributes:
        name: Shown as the name of the site.
        settings: All of them.
        desk: Where questions are handed in.
        catalogue: What is indexed.
        telemetry: What is measured.
    """

    name: str
    settings: Settings
    desk: Desk
    catalogue: Catalogue
    telemetry: Telemetry

    @classmethod
    def over(cls, bot: Bot, settings: Settings, name: str) -> Service:
        """The service over one bot."""
        telemetry = Telemetry()
        desk = Desk(bot, settings, telemetry)
        catalogue = Catalogue(desk)
        telemetry.watch_index(lambda: IndexState(desk.index_id, desk.built, len(catalogue)))
        return cls(name, settings, desk, catalogue, telemetry)
