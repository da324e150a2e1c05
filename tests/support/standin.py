"""A stand-in for CuPy: an array module that is not NumPy, for machines without a GPU.

Its arrays lie in NumPy memory, but behave as those of another device: they do not convert themselves, do not mix with
`numpy.ndarray` in any operator, index or function, and are fetched with `.get()`. The module has the names that CuPy
is known to have (`support/cupy_names.txt`), and no others. Where CuPy fetches a number because the shape of a result
depends on the contents of an array, so does this.
"""

import sys
import types
from pathlib import Path

import numpy as np

NAMES = set((Path(__file__).parent / "cupy_names.txt").read_text().split())
HANDED_ON = ("sum", "max", "min", "mean", "argmax", "argmin", "any", "all", "reshape", "transpose", "astype", "copy",
             "searchsorted", "cumsum", "nonzero", "sort", "argsort", "fill")
SIZED = ("nonzero", "flatnonzero", "unique")  # results of a length that the contents decide
OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
             "radd", "rsub", "rmul", "rtruediv", "rpow", "rmatmul", "rand", "ror",
             "iadd", "isub", "imul", "itruediv", "iand", "ior", "lt", "le", "gt", "ge", "eq", "ne",
             "neg", "invert", "abs", "pos")


class ndarray:
    """An array of the other device."""

    __array_ufunc__ = None  # NumPy's operators leave the work to ours, which refuse
    __hash__ = None

    def __init__(self, host):
        self._host = host

    def __array__(self, *arguments, **options):
        raise TypeError("an array of this device is not converted to a NumPy array unasked; use .get()")

    def __array_function__(self, *arguments, **options):
        raise TypeError("a function of NumPy was called with an array of another device")

    def get(self):
        return self._host.copy()

    def item(self, *arguments):
        return self._host.item(*arguments)

    def tolist(self):
        return self._host.tolist()

    def __len__(self):
        return len(self._host)

    def __bool__(self):
        return bool(self._host)

    def __int__(self):
        return int(self._host)

    def __float__(self):
        return float(self._host)

    def __iter__(self):
        return (wrapped(part) for part in self._host)

    def __getitem__(self, index):
        found = wrapped(self._host[unwrapped(index)])
        if any(isinstance(part, ndarray) and part.dtype == bool for part in (index if isinstance(index, tuple)
                                                                             else (index,))):
            _fetch_length(found)
        return found

    def __setitem__(self, index, value):
        self._host[unwrapped(index)] = unwrapped(value)

    @property
    def T(self):
        return ndarray(self._host.T)

    dtype, shape, ndim, size, nbytes, strides = (property(lambda self, name=name: getattr(self._host, name))
                                                 for name in ("dtype", "shape", "ndim", "size", "nbytes", "strides"))

    real, imag = (property(lambda self, name=name: ndarray(getattr(self._host, name))) for name in ("real", "imag"))


def unwrapped(thing):
    """What lies behind our arrays; NumPy's own are refused."""
    if isinstance(thing, ndarray):
        return thing._host
    if isinstance(thing, np.ndarray):
        raise TypeError("a NumPy array was mixed with an array of another device")
    if isinstance(thing, (list, tuple)) and not isinstance(thing, str):
        return type(thing)(unwrapped(part) for part in thing)
    return thing


def wrapped(thing):
    """Results of NumPy as ours; also what NumPy would give as a number, since a device gives arrays of no dimension."""
    if isinstance(thing, (np.ndarray, np.generic)):
        return ndarray(np.asarray(thing))
    if isinstance(thing, (list, tuple)):
        return type(thing)(wrapped(part) for part in thing)
    return thing


def _on_our_side(function):
    def call(*arguments, **options):
        result = function(*map(unwrapped, arguments), **{name: unwrapped(value) for name, value in options.items()})
        if getattr(function, "__name__", "") in SIZED:
            _fetch_length(wrapped(result))
        return wrapped(result)
    return call


def _fetch_length(result):
    """CuPy must know how much room to make before it can make the result."""
    first = result[0] if isinstance(result, tuple) else result
    int(ndarray(np.asarray(first.shape[0] if first.ndim else 1)))


for _name in HANDED_ON:
    setattr(ndarray, _name, _on_our_side(lambda host, *rest, _name=_name, **more: getattr(host, _name)(*rest, **more)))


def _operator(name):
    def apply(self, *others):
        for other in others:
            if not isinstance(other, (ndarray, np.generic, bool, int, float, complex)):
                raise TypeError(f"an array of this device was combined with a {type(other).__name__}")
        if name.startswith("__i") and name != "__invert__":
            getattr(self._host, name)(*map(unwrapped, others))
            return self
        return wrapped(getattr(self._host, name)(*map(unwrapped, others)))
    return apply


for _name in OPERATORS:
    setattr(ndarray, f"__{_name}__", _operator(f"__{_name}__"))

ndarray.__module__ = "standin"


class _Module(types.ModuleType):
    lib = types.SimpleNamespace(stride_tricks=types.SimpleNamespace(
        as_strided=_on_our_side(np.lib.stride_tricks.as_strided)))

    def __getattr__(self, name):
        if name not in NAMES:
            raise AttributeError(f"CuPy is not known to have the name {name!r}; see tests/support/cupy_names.txt")
        found = getattr(np, name)
        return _on_our_side(found) if callable(found) and not isinstance(found, type) else found

    @staticmethod
    def asarray(thing, dtype=None):
        """The way onto the device."""
        host = thing._host if isinstance(thing, ndarray) else np.array(thing)
        return ndarray(host if dtype is None else host.astype(dtype))


standin = _Module("standin", "An array module that is not NumPy.")
standin.ndarray, standin.__file__ = ndarray, __file__
sys.modules["standin"] = standin  # where `arrays.module_of` looks for it
