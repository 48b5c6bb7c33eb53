"""Modules that generated Keras projects carry with them, tested where they stand."""
