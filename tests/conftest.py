from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from policy_engine import Engine

os.environ["POLICY_ENGINE_CACHE"] = "off"  # tests read every file themselves; test_cache.py names folders of its own

ROOT = Path(__file__).resolve().parent.parent

collect_ignore = ["bad", "rulebooks"]  # faulty files and other domains: read by tests of their own, not collected by the plugin

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], print_blob=True)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine(ROOT / "rules")


@pytest.fixture(scope="session")
def scenario_root() -> Path:
    return ROOT / "scenarios"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reset", action="store_true", help="rewrite the golden files from what is found; review the diff")
