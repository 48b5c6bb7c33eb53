"""Ops for dslc from a package of its own."""
