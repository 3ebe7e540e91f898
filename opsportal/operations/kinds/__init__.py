"""One file per row of product.md's table of operations. Each reads as a list of steps and registers itself."""

from importlib import import_module
from pkgutil import iter_modules


def load() -> None:
    """Import every kind in this folder, which registers it."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
