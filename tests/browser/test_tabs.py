"""A tab that is kept from test to test keeps nothing else."""

from __future__ import annotations

import pytest

from tests.browser.tabs import KEPT, VIEWPORT, Tabs

pytestmark = pytest.mark.browser

DARK = "matchMedia('(prefers-color-scheme: dark)').matches"


def test_a_tab_that_was_given_back_is_as_new(tabs: Tabs, address: str) -> None:
    first = tabs.take({"locale": "en-US", "color_scheme": "dark", "viewport": {"width": 320, "height": 640}})
    page = first.page
    page.goto(f"{address}articles")
    assert page.evaluate(DARK)
    page.evaluate("document.cookie = 'a=1'; window.kept = 1")
    page.route("**/articles", lambda route: route.abort())
    page.context.grant_permissions(["clipboard-read"])
    tabs.give_back(first)
    again = tabs.take({"locale": "en-US"})
    assert again is first
    assert page.url == "about:blank"
    assert page.viewport_size == VIEWPORT
    page.goto(f"{address}articles")
    assert page.context.cookies() == []
    assert page.evaluate(f"[{DARK}, window.kept, history.state]") == [False, None, None]
    permission = "navigator.permissions.query({ name: 'clipboard-read' }).then((found) => found.state)"
    assert page.evaluate(permission) != "granted"
    tabs.give_back(again)


def test_no_two_tabs_in_use_share_a_context_and_few_are_kept(tabs: Tabs) -> None:
    taken = [tabs.take({"locale": "en-US"}) for _ in range(KEPT + 2)]
    contexts = [tab.page.context for tab in taken]
    assert len({id(context) for context in contexts}) == len(taken)
    for tab in taken:
        tabs.give_back(tab)
    assert sum(bool(context.pages) for context in contexts) == KEPT


def test_a_closed_tab_is_not_given_out_again(tabs: Tabs) -> None:
    tab = tabs.take({"locale": "fr-FR"})
    tab.page.close()
    tabs.give_back(tab)
    other = tabs.take({"locale": "fr-FR"})
    assert other is not tab
    other.page.context.close()
