"""The command `policy-engine`: one file for each sub-command."""

import gc
import os

# A command lives for a second: looking for garbage and for pydantic plug-ins costs a fifth of it.
gc.set_threshold(200_000, 50, 50)
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from policy_engine.cli.app import main  # noqa: E402

__all__ = ["main"]
