"""PyTorch code under the checker."""

import pytest

from refmem.gradcheck import ProblemRefused, Verdict, assert_gradients, check_problem, from_torch
from refmem.gradcheck.report import GRADIENT

torch = pytest.importorskip("torch")
DTYPES = (torch.float64, torch.float32)


class ScaledExp(torch.autograd.Function):
    """y = x exp(t), with a backward pass that is off by one part in a hundred in t."""

    error = 1.01

    @staticmethod
    def forward(ctx, x, t):
        ctx.save_for_backward(x, t)
        return x * t.exp()

    @staticmethod
    def backward(ctx, w):
        x, t = ctx.saved_tensors
        return w * t.exp(), w * x * t.exp() * ScaledExp.error


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_autograd_function(dtype, monkeypatch):
    torch.manual_seed(0)
    x, t = torch.randn(3, 4, dtype=dtype), torch.randn(3, 4, dtype=dtype)
    rows = {row.input: row for row in check_problem(from_torch(ScaledExp.apply, x, t)).rows if row.check == GRADIENT}
    assert rows["input 0"].verdict is Verdict.PASS
    assert rows["input 1"].verdict is Verdict.FAIL
    assert rows["input 1"].analytic / rows["input 1"].numeric == pytest.approx(1.01, rel=1e-3)
    monkeypatch.setattr(ScaledExp, "error", 1.0)
    assert_gradients(from_torch(ScaledExp.apply, x, t), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_module_with_all_its_parameters_and_dropout(dtype):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(5, 8), torch.nn.Tanh(), torch.nn.Dropout(0.3),
                                 torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 3)).to(dtype)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    report = assert_gradients(from_torch(module, torch.randn(6, 5, dtype=dtype)))
    assert {row.input for row in report.rows if row.check == GRADIENT} == {
        "input 0", "0.weight", "0.bias", "3.weight", "3.bias", "4.weight", "4.bias"}
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_integers_are_passed_on_and_several_outputs_have_rows():
    table = torch.randn(4, 3, dtype=torch.float64)
    index = torch.tensor([0, 2, 2])
    report = assert_gradients(from_torch(lambda t, i: (t[i].sin(), t.cos().sum()), table, index))
    assert {row.output for row in report.rows if row.check == GRADIENT} == {"output 0", "output 1"}


def test_an_input_that_is_not_used_has_no_gradient():
    x = torch.randn(3, dtype=torch.float64)
    assert_gradients(from_torch(lambda a, b: a.sin(), x, x))
    assert_gradients(from_torch(lambda a: a.detach() * 0 + 1, x))


def test_a_detached_path_fails():
    x = torch.randn(3, dtype=torch.float64)
    with pytest.raises(AssertionError, match="FAIL"):
        assert_gradients(from_torch(lambda a: a * a.detach(), x))


def test_nothing_to_differentiate_is_refused():
    with pytest.raises(ProblemRefused, match="no input is a float tensor.*int64"):
        from_torch(lambda i: i, torch.tensor([1, 2]))
