"""Names that a step cannot have, because its layer bears the same name in every framework.

A step's name is a part of its weights' paths and, in PyTorch and Flax, an attribute of a module. So
Python's keywords and what the two base classes define themselves are taken, on every backend alike.
"""

from __future__ import annotations

KEYWORDS = frozenset(
    str.split(
        "and as assert async await break class continue def del elif else except finally for from "
        "global if import in is lambda nonlocal not or pass raise return self try while with yield"
    )
)

MODULE_ATTRIBUTES = frozenset(
    str.split(
        "add_module apply bfloat16 buffers call_super_init children compile cpu cuda double "
        "dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter "
        "get_submodule half ipu iter_children iter_modules load_state_dict modules mtia "
        "named_buffers named_children named_modules named_parameters parameters perturb "
        "register_buffer register_module register_parameter requires_grad_ set_attributes "
        "set_extra_state set_submodule share_memory sow state_dict to to_empty train training type "
        "xpu zero_grad rngs io_layout"
    )
)


def reserved_by(name: str) -> str | None:
    """Who owns a name, in words; None where it is free."""
    if name in KEYWORDS:
        return "Python"
    return "a framework's module class" if name in MODULE_ATTRIBUTES else None
