"""Files that people get wrong: each fault is one line with line, column, what was found and what would be valid."""

from __future__ import annotations

from pathlib import Path

import pytest
import random_rulebooks
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from policy_engine import BadInput, Engine
from policy_engine.language.yamlfile import parse

BAD = Path(__file__).parent / "bad"
CASES = sorted(BAD.glob("*/*.yaml"))


def told(problems: tuple[object, ...], root: Path) -> str:
    """The problems as the golden files keep them: without the folder and the file's own name."""
    lines = [str(problem) for problem in problems]
    return "".join(f"{line.replace(f'{root}/', '').removeprefix('book/top/rules.yaml:').removeprefix('case.yaml:')}\n" for line in lines)


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_bad_file_is_told_in_its_place(case: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    book = random_rulebooks.write(tmp_path / "book", {} if case.parent.name == "rules" else {"top": MINIMAL})
    with pytest.raises(BadInput) as caught:
        if case.parent.name == "rules":
            (book / "top").mkdir()
            (book / "top" / "rules.yaml").write_bytes(case.read_bytes())
            Engine(book).rulebook.path("top")
        else:
            (tmp_path / "case.yaml").write_bytes(case.read_bytes())
            Engine(book).scenarios(tmp_path / "case.yaml")
    found = told(caught.value.problems, tmp_path)
    expected = case.with_suffix(".expected")
    if request.config.getoption("--reset", default=False):
        expected.write_text(found, encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8")


MINIMAL = {
    "jurisdiction": "top",
    "authorities": {"base": {"cite": "Base Act", "kind": "rule", "rank": "top"}},
    "classes": {"k.small": {"authority": "base", "members": ["ant"]}},
}


def test_there_are_enough_bad_files() -> None:
    assert len(CASES) >= 40


def test_a_missing_file_and_a_folder_without_rulebook(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no rulebook\.yaml here"):
        Engine(tmp_path)
    engine = Engine(random_rulebooks.write(tmp_path / "book", {"top": MINIMAL}))
    with pytest.raises(BadInput, match=r"cannot be read: No such file"):
        engine.scenarios(tmp_path / "none.yaml")


def test_a_wrong_encoding_names_the_byte(tmp_path: Path) -> None:
    engine = Engine(random_rulebooks.write(tmp_path / "book", {"top": MINIMAL}))
    (tmp_path / "latin.yaml").write_bytes("id: s\ntitle: caf\xe9\n".encode("latin-1"))
    with pytest.raises(BadInput, match=r"latin\.yaml:2:11: byte 0xe9 is not UTF-8"):
        engine.scenarios(tmp_path / "latin.yaml")


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 3000, "- " * 5000, "a:\n" + "".join(" " * depth + "b:\n" for depth in range(1, 3000)), "? " * 3000, "x: &a [*a]"])
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"levels deep|refers to the value"):
        parse(text, "deep.yaml")


def test_many_aliases_are_refused() -> None:
    text = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
    for number, (name, before) in enumerate(zip("bcdefgh", "abcdefg", strict=True)):
        text += f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" if number < 7 else ""
    with pytest.raises(BadInput, match="values once its aliases are written out"):
        parse(text, "aliases.yaml")


_scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=8), st.sampled_from(["unknown", "2026-01-01", "a", "law.q", "shut"]))
_keys = st.sampled_from(
    ["id", "facts", "as_of", "jurisdiction", "agency", "kind", "a", "events", "marks", "norms", "when", "any", "some", "where", "forbid", "authorities", "in_force"]
)
_trees = st.recursive(_scalars, lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_keys | st.text(max_size=4), inner, max_size=5)), max_leaves=20)


@settings(max_examples=300)
@given(data=_trees, text=st.one_of(st.none(), st.text(max_size=120)))
def test_no_yaml_gives_a_traceback(data: object, text: str | None, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    engine = Engine(random_rulebooks.write(root / "book", {"top": MINIMAL}))
    written = yaml.safe_dump(data, allow_unicode=True) if text is None else text
    rules = root / "book" / "top" / "more.yaml"
    for path in (root / "case.yaml", rules):
        path.write_bytes(written.encode("utf-8", "surrogatepass"))
        try:
            if path is rules:
                Engine(root / "book").rulebook.path("top")
            else:
                engine.scenarios(path)
        except BadInput as error:
            assert error.problems
            assert all("\n" not in str(problem) for problem in error.problems)


_GOOD = (BAD / "scenarios" / "misspelt-fact.yaml").read_text(encoding="utf-8").replace("color", "colour")
_GOOD_RULES = (BAD / "rules" / "unknown-fact.yaml").read_text(encoding="utf-8").replace("color = red", "colour = red")


@settings(max_examples=300)
@given(at=st.floats(0, 1), cut=st.integers(0, 12), put=st.text(alphabet="abx:-[]{}'\"&*!|>%@`#, \n\t0159=<", max_size=6), rules=st.booleans())
def test_a_damaged_file_gives_lines_and_no_traceback(at: float, cut: int, put: str, rules: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("damaged")
    book = random_rulebooks.write(root / "book", {"top": MINIMAL})
    good = _GOOD_RULES if rules else _GOOD
    place = int(at * len(good))
    path = book / "top" / "rules.yaml" if rules else root / "case.yaml"
    path.write_text(good[:place] + put + good[place + cut :], encoding="utf-8")
    try:
        engine = Engine(book)
        if rules:
            engine.rulebook.path("top")
        else:
            for scenario in engine.scenarios(path):
                engine.evaluate(scenario).to_dict()
    except BadInput as error:
        assert error.problems
