"""Every objective against its formula, and its gradient against differences."""

import numpy as np
import pytest
import torch

from unskew.classify import OBJECTIVES, SumOfSquares
from unskew.classify.objectives import objective_named
from unskew.errors import InputError


def softmax(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.log1p(np.exp(x))


FORMULAS = {
    "softmax-cross-entropy": lambda f, y: -(y * np.log(softmax(f))).sum(1),
    "binary-cross-entropy": lambda f, y: (
        -(y * np.log(sigmoid(f)) + (1 - y) * np.log(1 - sigmoid(f))).sum(1)
    ),
    "negative-log-likelihood": lambda f, y: (
        -(y * np.log(softplus(f) / softplus(f).sum(1, keepdims=True))).sum(1)
    ),
    "l1": lambda f, y: np.abs(y - softmax(f)).sum(1),
    "l2": lambda f, y: ((y - softmax(f)) ** 2).sum(1),
    "sos": lambda f, y: (y * (f - 1) ** 2 + (1 - y) * f**2).sum(1) / f.shape[1],
}


def cases(classes=5, n=40, scale=3.0):
    rng = np.random.default_rng(classes)
    return rng.normal(scale=scale, size=(n, classes)), rng.integers(classes, size=n)


def test_there_is_a_formula_for_each():
    assert list(OBJECTIVES) == list(FORMULAS)


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("classes", [2, 5, 10])
def test_formula(name, classes):
    logits, targets = cases(classes)
    losses = OBJECTIVES[name](torch.tensor(logits), torch.tensor(targets))
    expected = FORMULAS[name](logits, np.eye(classes)[targets])
    assert losses.shape == (40,)
    np.testing.assert_allclose(losses.numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_against_central_differences(name):
    logits, targets = cases(n=6)
    given = torch.tensor(logits, requires_grad=True)
    OBJECTIVES[name](given, torch.tensor(targets)).sum().backward()
    formula, y, h = FORMULAS[name], np.eye(5)[targets], 1e-6
    for index in np.ndindex(*logits.shape):
        step = np.zeros_like(logits)
        step[index] = h
        slope = (formula(logits + step, y) - formula(logits - step, y)).sum() / (2 * h)
        assert given.grad[index].item() == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_extreme_logits_stay_finite(name):
    logits = torch.tensor([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]], requires_grad=True)
    losses = OBJECTIVES[name](logits, torch.tensor([1, 0]))
    losses.sum().backward()
    assert losses.isfinite().all()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("name", OBJECTIVES)
def test_following_the_gradient_finds_the_true_class(name):
    logits = torch.randn(8, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    targets = torch.arange(8) % 4
    optimizer = torch.optim.Adam([logits], lr=0.1)
    before = OBJECTIVES[name](logits, targets).detach()
    for _ in range(200):
        optimizer.zero_grad()
        OBJECTIVES[name](logits, targets).sum().backward()
        optimizer.step()
    assert (OBJECTIVES[name](logits, targets) < before).all()
    assert (logits.argmax(1) == targets).all()


def test_likelihood_of_large_positive_outputs_is_that_of_the_outputs_themselves():
    outputs = np.array([[100.0, 300.0, 600.0]])
    losses = OBJECTIVES["negative-log-likelihood"](torch.tensor(outputs), torch.tensor([1]))
    assert losses.item() == pytest.approx(-np.log(300 / 1000), abs=1e-12)


def test_likelihood_of_very_negative_outputs_is_exact():
    logits = np.array([[-9.0, -11.0, -40.0], [-10.5, -9.5, -10.0]])
    losses = OBJECTIVES["negative-log-likelihood"](torch.tensor(logits), torch.tensor([2, 0]))
    exact = -np.log(softplus(logits) / softplus(logits).sum(1, keepdims=True))
    np.testing.assert_allclose(losses, [exact[0, 2], exact[1, 0]], rtol=1e-9)


def test_alpha_and_beta_of_sum_of_squares():
    losses = SumOfSquares(alpha=5.0, beta=10.0)(torch.tensor([[7.0, 2.0]]), torch.tensor([0]))
    assert losses.item() == (5 * (7 - 10) ** 2 + 2**2) / 2


@pytest.mark.parametrize("name", ["alpha", "beta"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_alpha_and_beta_are_positive(name, value):
    with pytest.raises(InputError, match=f"{name} is"):
        SumOfSquares(**{name: value})


def test_names():
    assert objective_named("l1") == ("l1", OBJECTIVES["l1"])
    assert objective_named(SumOfSquares(2.0))[0] == "SumOfSquares(alpha=2.0, beta=1.0)"
    with pytest.raises(InputError, match="no objective 'hinge': choose among softmax-cross"):
        objective_named("hinge")
