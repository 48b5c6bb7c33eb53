"""Starts Keras without the lines that TensorFlow's C++ side writes before Python can stop it.

They go to the file descriptor itself, whatever the level of its log, so that is what stands aside
while Keras is imported. A `TF_CPP_MIN_LOG_LEVEL` of 0 shows everything as ever.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module


def start_keras() -> None:
    """Imports Keras and its backend, quietly unless the environment asks for their logs."""
    if "keras" in sys.modules:
        return
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        return
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
