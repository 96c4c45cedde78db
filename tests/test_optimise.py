"""Adam on the rows that a batch touches, against torch's own, and the rate over a training."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("onnx", reason="the train extra is not installed")

import torch

from qa.train.optimise import FALLING, WARM, Adam, Rows, learning_rate


def sparse(rows, values, size):
    indices = torch.tensor([rows])
    return torch.sparse_coo_tensor(indices, values, (size, values.shape[1]), check_invariants=True)


def rows_of(table, scale=1.0):
    return Rows(table.clone(), torch.full((len(table),), scale))


@given(st.integers(1, 6), st.integers(1, 4), st.integers(1, 8), st.floats(1e-4, 0.1), st.integers(0, 2**31))
def test_rows_that_always_have_a_gradient_move_as_with_adam(size, dim, steps, rate, seed):
    random = torch.Generator().manual_seed(seed)
    table = torch.randn(size, dim, generator=random)
    own, theirs = rows_of(table), torch.nn.Parameter(table.clone())
    adam = torch.optim.Adam([theirs], lr=rate, betas=(0.9, 0.98), eps=1e-8)
    for _ in range(steps):
        gradient = torch.randn(size, dim, generator=random)
        theirs.grad = gradient
        adam.step()
        order = torch.randperm(size, generator=random)
        own.step(sparse(order.tolist(), gradient[order], size), rate)
    torch.testing.assert_close(own.table, theirs.detach(), rtol=1e-4, atol=1e-5)


@given(st.sets(st.integers(0, 9), min_size=1, max_size=9), st.integers(0, 2**31))
def test_rows_without_a_gradient_stay_bit_for_bit(touched, seed):
    random = torch.Generator().manual_seed(seed)
    table = torch.randn(10, 4, generator=random)
    own = rows_of(table)
    own.step(sparse(list(range(10)), torch.randn(10, 4, generator=random), 10), 0.01)
    before = [values.clone() for values in (own.table, own.first, own.second, own.seen)]
    own.step(sparse(sorted(touched), torch.randn(len(touched), 4, generator=random), 10), 0.01)
    others = sorted(set(range(10)) - touched)
    for earlier, now in zip(before, (own.table, own.first, own.second, own.seen), strict=True):
        assert torch.equal(earlier[others], now[others])
        assert (earlier[sorted(touched)] != now[sorted(touched)]).reshape(len(touched), -1).any(1).all()


def test_a_row_that_is_first_seen_late_makes_a_full_first_step():
    own = rows_of(torch.zeros(2, 3))
    for _ in range(50):
        own.step(sparse([0], torch.ones(1, 3), 2), 0.01)
    own.step(sparse([1], torch.tensor([[0.3, -7.0, 0.001]]), 2), 0.01)
    assert own.table[1].tolist() == pytest.approx([-0.01, 0.01, -0.01], rel=1e-3)


def test_a_row_that_stands_twice_in_a_batch_gets_the_sum():
    once, twice = rows_of(torch.zeros(3, 2)), rows_of(torch.zeros(3, 2))
    for scale in (1.0, 5.0):
        values = scale * torch.tensor([[1.0, 2.0], [4.0, -3.0]])
        twice.step(sparse([1, 1], values, 3), 0.1)
        once.step(sparse([1], values.sum(0, keepdim=True), 3), 0.1)
    assert torch.equal(once.table, twice.table)


def test_each_row_has_its_own_scale():
    own = Rows(torch.zeros(3, 2), torch.tensor([1.0, 0.5, 0.0]))
    own.step(sparse([0, 1, 2], torch.ones(3, 2), 3), 0.1)
    assert own.table[:, 0].tolist() == pytest.approx([-0.1, -0.05, 0])


@given(st.integers(1, 5_000))
def test_the_rate_rises_stays_and_falls_to_nothing(steps):
    rates = [learning_rate(step, steps) for step in range(steps + 1)]
    assert all(0 <= rate <= 1 for rate in rates)
    assert min(rates[:-1]) > 0
    assert rates[-1] == 0
    top = rates.index(max(rates))
    assert all(a <= b for a, b in pairwise(rates[: top + 1]))
    assert all(a >= b for a, b in pairwise(rates[top:]))


def test_the_rate_is_at_its_height_from_the_warm_up_to_the_fall():
    rates = np.array([learning_rate(step, 1_000) for step in range(1_000)])
    full = np.flatnonzero(rates == 1)
    assert (full[0] + 1, full[-1]) == (WARM * 1_000, FALLING * 1_000)
    assert np.all(np.diff(full) == 1)
    assert np.ptp(np.diff(rates[: full[0]])) < 1e-9, "a straight line up"
    assert np.ptp(np.diff(rates[full[-1] + 1 :])) < 1e-9, "a straight line down"


class Model:
    """Two layers' weights and a table, and a loss that touches some of its rows."""

    def __init__(self, seed=0):
        random = torch.Generator().manual_seed(seed)
        self.layers = [torch.nn.Parameter(torch.randn(3, 3, generator=random)), torch.nn.Parameter(torch.zeros(3))]
        self.table = torch.nn.Parameter(torch.randn(8, 3, generator=random))
        self.adam = Adam.of(self.layers, self.table, torch.ones(8), (1e-2, 3e-2))

    def loss(self, step):
        ids = torch.tensor([step % 8, (3 * step + 1) % 8])
        rows = torch.nn.functional.embedding(ids, self.table, sparse=True)
        return (rows @ self.layers[0] + self.layers[1] - 1).square().mean()

    def train(self, first, last):
        losses = []
        for step in range(first, last):
            loss = self.loss(step)
            loss.backward()
            self.adam.step(learning_rate(step, 20))
            losses.append(float(loss.detach()))
        return losses

    def weights(self):
        return [values.detach().clone() for values in (*self.layers, self.table)]


def kept(state):
    """As a checkpoint keeps it."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_both_parts_learn_and_no_gradient_is_left():
    model = Model()
    before = model.weights()
    losses = [np.mean(model.train(0, 20)) for _ in range(20)]
    assert losses[-1] < losses[0] / 10
    assert all(not torch.equal(a, b) for a, b in zip(before, model.weights(), strict=True))
    assert all(values.grad is None for values in (*model.layers, model.table))


def test_a_restored_optimiser_makes_the_same_steps():
    whole, stopped = Model(), Model()
    whole.train(0, 12)
    stopped.train(0, 7)
    state, weights = kept(stopped.adam.state()), stopped.weights()
    gone_on, fresh = Model(seed=1), Model(seed=1)
    for model in (gone_on, fresh):
        for own, stored in zip((*model.layers, model.table), weights, strict=True):
            own.data.copy_(stored)
    gone_on.adam.restore(state)
    gone_on.train(7, 12)
    fresh.train(7, 12)
    assert all(torch.equal(a, b) for a, b in zip(whole.weights(), gone_on.weights(), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(whole.weights(), fresh.weights(), strict=True))


def test_a_rate_of_nothing_changes_nothing():
    model = Model()
    before = model.weights()
    model.loss(0).backward()
    model.adam.step(0.0)
    assert all(torch.equal(a, b) for a, b in zip(before, model.weights(), strict=True))


def test_a_step_without_rows_leaves_the_table_alone():
    model = Model()
    table = model.table.detach().clone()
    model.layers[0].square().sum().backward()
    model.adam.step(1.0)
    assert torch.equal(model.table, table)
