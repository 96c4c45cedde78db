from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.server import limits
from qa.server.limits import RateLimiter, client_of_address


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_minutes_worth_goes_through_at_once_then_evenly() -> None:
    clock = Clock()
    limiter = RateLimiter(6, 100, clock)
    assert [limiter.wait("a") for _ in range(7)] == [0] * 6 + [10]
    clock.now += 9
    assert limiter.wait("a") == 1
    clock.now += 1
    assert [limiter.wait("a"), limiter.wait("a")] == [0, 10]


def test_one_client_does_not_use_up_anothers_share_but_all_share_one() -> None:
    limiter = RateLimiter(2, 3, Clock())
    assert [limiter.wait("a") for _ in range(3)] == [0, 0, 30]
    assert [limiter.wait("b") for _ in range(2)] == [0, 20]


@given(
    rate=st.integers(1, 30),
    pauses=st.lists(st.floats(0, 20, allow_nan=False), min_size=1, max_size=200),
)
def test_no_span_of_time_lets_more_through_than_the_bucket_and_its_refill(rate: int, pauses: list[float]) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, 10_000, clock)
    passed = []
    for pause in pauses:
        clock.now += pause
        if limiter.wait("a") == 0:
            passed.append(clock.now)
    for first, start in enumerate(passed):
        for last, end in enumerate(passed[first:], start=first):
            assert last - first + 1 <= rate + (end - start) * rate / 60 + 1e-6


@given(st.integers(1, 120), st.integers(1, 200))
def test_the_time_it_names_is_enough(rate: int, asked: int) -> None:
    clock = Clock()
    limiter = RateLimiter(rate, 10_000, clock)
    wait = [limiter.wait("a") for _ in range(asked)][-1]
    clock.now += wait
    assert limiter.wait("a") == 0 or wait == 0


def test_it_does_not_remember_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REMEMBERED", 50)
    clock = Clock()
    limiter = RateLimiter(1, 10_000, clock)
    for number in range(200):
        limiter.wait(f"client {number}")
        assert len(limiter) <= 50
    assert limiter.wait("client 199") > 0


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
    ],
)
def test_an_address_counts_as_one_client(address: str, name: str) -> None:
    assert client_of_address(address) == name
