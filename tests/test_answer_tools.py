from __future__ import annotations

import json
from dataclasses import replace

from qa.answer_tools import tools, verdict_on
from qa.server.feedback import FeedbackIn
from qa.types import Only
from tests.browser.fakes import HOSTILE, FakeBot
from tests.test_pages import parse

ANSWER = FakeBot().ask("Wann wird die Fährbrücke gesperrt?")


def test_the_buttons_carry_what_they_need() -> None:
    tree = parse(tools(ANSWER, "en", feedback=True))
    copy, up, down = tree.all("button")
    assert copy.attributes["value"].startswith("## Wann wird die Fährbrücke gesperrt?\n")
    assert up.attributes["value"] == down.attributes["value"]
    sent = FeedbackIn.model_validate({**json.loads(up.attributes["value"]), "verdict": "right"})
    assert [place.article_id for place in sent.citations] == [one.article_id for one in ANSWER.citations]


def test_every_answer_has_an_id_of_its_own_and_tells_of_a_filter() -> None:
    assert verdict_on(ANSWER)["id"] != verdict_on(ANSWER)["id"]
    assert verdict_on(ANSWER)["filtered"] is False
    assert verdict_on(replace(ANSWER, only=Only(since="2025")))["filtered"] is True


def test_no_verdict_where_none_is_kept_or_none_makes_sense() -> None:
    assert len(parse(tools(ANSWER, "en", feedback=False)).all("button")) == 1
    assert len(parse(tools(replace(ANSWER, status="smalltalk"), "en", feedback=True)).all("button")) == 1


def test_hostile_questions_stay_in_their_attribute() -> None:
    for hostile in HOSTILE:
        tree = parse(tools(replace(ANSWER, question=hostile), "de", feedback=True))
        assert tree.tags() == {"root", "div", "button", "span"}
        assert "\n" not in tools(replace(ANSWER, question=f"{hostile}\n\nx"), "de", feedback=True)
