"""Modules that are copied, whole and unchanged, into every generated project that trains.

They run without dslc: each stands alone and imports the standard library, NumPy and safetensors,
and scikit-learn only where a built-in data set is asked for.
"""
