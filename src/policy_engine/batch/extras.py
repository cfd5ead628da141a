"""Optional libraries, asked for in one clear line where they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from policy_engine.language.problems import BadInput


def need(module: str, extra: str = "batch") -> ModuleType:
    """The module, or a clear line that tells what to install.

    Raises:
        BadInput: the module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise BadInput.one(f'`{module}` is not installed; install it with `pip install "policy-engine[{extra}]"`', extra) from None
