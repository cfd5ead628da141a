"""Write README.md in every folder of rules that is a jurisdiction: its law in words, made from the rules.

python tools/write_readmes.py
"""

from __future__ import annotations

from pathlib import Path

from policy_engine import Engine
from policy_engine.report.lawbook import markdown

RULES = Path(__file__).resolve().parent.parent / "rules"


def main() -> None:
    rulebook = Engine(RULES).rulebook
    written = 0
    for jurisdiction in rulebook.rule_paths():
        folder = RULES / jurisdiction
        if folder.is_dir():
            (folder / "README.md").write_text(markdown(rulebook, rulebook.path(jurisdiction)), encoding="utf-8")
            written += 1
    print(f"{written} pages")


if __name__ == "__main__":
    main()
