"""dslc compiles network specs into readable projects for several frameworks.

`dslc.load("net.yaml")` gives a checked net; see `dslc.api.Net`. What a spec gets wrong is raised as
`dslc.SpecError`, which carries the diagnostics.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dslc.api import Net, load
    from dslc.diagnostics import SpecError

__all__ = ["Net", "SpecError", "load"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Loads a public name when it is first asked for: the command line needs none of them."""
    if name in ("Net", "load"):
        from dslc import api

        return getattr(api, name)
    if name == "SpecError":
        from dslc.diagnostics import SpecError

        return SpecError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
