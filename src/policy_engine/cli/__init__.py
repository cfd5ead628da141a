"""The command `policy-engine`: one file for each sub-command."""

from policy_engine.cli.app import main

__all__ = ["main"]
