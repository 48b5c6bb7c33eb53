"""The PyTorch backend: plain `nn.Module` classes that load the portable weights as they are."""

from __future__ import annotations

from dslc_torch.project import backend

__all__ = ["backend"]
