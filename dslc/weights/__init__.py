"""Weights at compile time: the portable file, initial values, and random ones for verification.

The logic is that of the modules which generated projects carry with them; here they only get
their names inside the compiler. Importing this package imports NumPy, so `dslc check` does not.
"""

from dslc.train.runtime.initial import (
    Initialiser,
    constant,
    fan_in_uniform,
    initial,
    kaiming_normal,
    kaiming_uniform,
    lecun_normal,
    normal,
    ones,
    orthogonal,
    singular_vector,
    truncated_normal,
    uniform,
    xavier_normal,
    xavier_uniform,
    zeros,
)
from dslc.train.runtime.weights import match, read, write
from dslc.weights.random import random_weights

__all__ = [
    "Initialiser",
    "constant",
    "fan_in_uniform",
    "initial",
    "kaiming_normal",
    "kaiming_uniform",
    "lecun_normal",
    "match",
    "normal",
    "ones",
    "orthogonal",
    "random_weights",
    "read",
    "singular_vector",
    "truncated_normal",
    "uniform",
    "write",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]
