from __future__ import annotations

import threading

from qa.stopping import Stop, Stops


def test_a_wish_stays_and_wakes_everyone_once() -> None:
    stop, woken = Stop(), []
    stop.tell(lambda: woken.append(1))
    assert not stop.is_set
    stop.set()
    stop.set()
    stop.tell(lambda: woken.append(2))
    assert stop.is_set
    assert woken == [1, 2]


def test_whoever_waits_is_woken_from_another_thread() -> None:
    stop, woken = Stop(), threading.Event()
    stop.tell(woken.set)
    threading.Thread(target=stop.set).start()
    assert woken.wait(10)


def test_a_session_stops_its_own_answers_alone_and_is_forgotten() -> None:
    stops = Stops()
    with stops.under_way("one") as first, stops.under_way("one") as second, stops.under_way("two") as other:
        assert stops.stop("one") == 2
        assert first.is_set
        assert second.is_set
        assert not other.is_set
    with stops.under_way("one", "secret") as only:
        assert stops.stop("secret") == 1
        assert only.is_set
    assert stops.stop("secret") == stops.stop("one") == stops.stop("two") == stops.stop("nobody") == 0
    assert stops._of == {}
