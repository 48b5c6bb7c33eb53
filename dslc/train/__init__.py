"""The `train` section: optimisers, schedules, data, loss and metrics, typed like everything else.

The compiler's part is here and imports nothing but the compiler; what generated projects carry with
them is in `dslc.train.runtime`.
"""
