"""Starts Keras without the lines that TensorFlow's C++ side writes before Python can stop it.

They go to the file descriptor itself, so that is what stands aside while Keras is imported. A
`TF_CPP_MIN_LOG_LEVEL` of the user's own shows everything as ever.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module


def start_keras() -> None:
    """Imports Keras and its backend, quietly unless the environment asks for their logs."""
    if "keras" in sys.modules:
        return
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    sys.stderr.flush()
    kept = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    os.close(nothing)
    try:
        import_module("keras")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
