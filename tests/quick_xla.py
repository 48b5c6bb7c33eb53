"""Settings that let JAX compile quickly what then runs once: most of its time in tests is compiling.

They are the environment's, so that scripts which tests start have them too. What took long to compile
is kept for the session, as the same step is compiled in run after run.
"""

import atexit
import os
import tempfile

FLAGS = (
    "--xla_backend_optimization_level=0",
    "--xla_llvm_disable_expensive_passes=true",
    "--xla_cpu_use_fusion_emitters=false",
)


def hurry() -> None:
    """Sets what is not set yet; before JAX is imported."""
    if os.environ.get("DSLC_DEVICE", "cpu") != "cpu":
        return
    os.environ.setdefault("XLA_FLAGS", " ".join(FLAGS))
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        compiled = tempfile.TemporaryDirectory(prefix="dslc-compiled-")
        atexit.register(compiled.cleanup)
        os.environ["JAX_COMPILATION_CACHE_DIR"] = compiled.name
        os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.5"
