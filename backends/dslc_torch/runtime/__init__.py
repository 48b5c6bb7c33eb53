"""Modules that are copied, whole and unchanged, into generated PyTorch projects that train."""
