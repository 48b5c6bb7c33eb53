"""Modules that are copied, whole and unchanged, into every generated JAX project.

They run without dslc: each stands alone and imports NumPy, safetensors, JAX and Flax.
"""
