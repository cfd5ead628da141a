"""The tutorial of docs/testing-rules.md, run from an installed package in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "testing-rules.md").read_text(encoding="utf-8")
FILES = re.findall(r"<!-- file: (\S+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
FIXES = re.findall(r'<!-- fix: (\S+): "(.*?)" -> "(.*?)" -->', PAGE)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the package installed (its dependencies shared), not the working copy."""
    home = tmp_path_factory.mktemp("stranger")
    venv.create(home, with_pip=False, system_site_packages=False)
    found = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = ["install", "--quiet", "--no-deps", "--disable-pip-version-check", "--target", str(home / "package"), str(ROOT)]
    made = subprocess.run([sys.executable, "-m", "pip", *install], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"the package cannot be built here: {made.stderr.strip().splitlines()[-1]}")
    shared = Path(yaml.__file__).parent.parent
    asked = [str(found), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    Path(site, "stranger.pth").write_text(f"{home / 'package'}\n{shared}\n", encoding="utf-8")
    return found


def run(python: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(python), *command], cwd=folder, capture_output=True, text=True, env={**os.environ, "POLICY_ENGINE_CACHE": "off"})


def test_the_session_fails_is_fixed_and_passes(python: Path, tmp_path: Path) -> None:
    assert len(FILES) == 7
    assert len(FIXES) == 1
    for name, text in FILES:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    where = run(python, tmp_path, "-c", "import policy_engine; print(policy_engine.__file__)").stdout
    assert str(ROOT / "src") not in where
    first = run(python, tmp_path, "-m", "pytest", "-q")
    assert first.returncode == 1, first.stdout + first.stderr
    assert "1 failed, 4 passed" in first.stdout
    for line in re.findall(r"```\n(rules/invariants.*?)```", PAGE, re.DOTALL)[0].splitlines():
        assert line in first.stdout
    assert "stall: {closed_by_order: true}" in first.stdout
    name, before, after = FIXES[0]
    path = tmp_path / name
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    second = run(python, tmp_path, "-m", "pytest", "-q")
    assert second.returncode == 0, second.stdout + second.stderr
    assert "5 passed" in second.stdout
    command = "from policy_engine.cli import main; main()"
    assert "3 scenarios" in run(python, tmp_path, "-c", command, "coverage", "--rules", "rules").stdout
    assert "noticed" in run(python, tmp_path, "-c", command, "mutate", "--rules", "rules", "--workers", "1").stdout
