"""Coverage as pages: the rule files with, beside each line, how often its rule applied and its tests came out true and false."""

from __future__ import annotations

import html
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policy_engine.engine import Engine
from policy_engine.language.conditions import All as AllParts
from policy_engine.language.conditions import Any_ as AnyParts
from policy_engine.language.conditions import Condition, ConditionError, Count, Leaf, Not, parse_condition
from policy_engine.language.resolve import Scope, resolve
from policy_engine.language.rules import Layer
from policy_engine.language.tree import Negation, Tree
from policy_engine.language.yamlfile import Document, Loc, parse, read_text
from policy_engine.testing.coverage import APPLIED, DISPLACED, Coverage, LeafCount, Subject, percent

SECTIONS = ("norms", "preemptions", "holdings")
STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem;color:#1b1b1b;background:#fff}table{border-collapse:collapse}
td,th{padding:.1rem .7rem;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}pre{margin:0;font:13px/1.5 ui-monospace,monospace;white-space:pre-wrap}
tr.all td{background:#e4f3e4}tr.some td{background:#fdf1cf}
tr.none td{background:#f9dcd9}td.note{font-size:12px;color:#444;white-space:nowrap}a{color:#124a8c}
@media(prefers-color-scheme:dark){
body{color:#e8e8e8;background:#161616}tr.all td{background:#1d3a22}tr.some td{background:#46391a}tr.none td{background:#4a2320}
td.note{color:#bbb}a{color:#8ab8f0}}
"""


def write_html(engine: Engine, found: Coverage, folder: Path) -> Path:
    """The pages in a folder; the path of the first, `index.html`."""
    folder.mkdir(parents=True, exist_ok=True)
    subjects = {(item.jurisdiction, item.id): item for item in found.subjects}
    rows: list[str] = []
    seen: set[str] = set()
    for path in engine.rulebook.all_paths():
        for depth, layer in enumerate(path.layers):
            if layer.jurisdiction in seen or not any(key[0] == layer.jurisdiction for key in subjects):
                continue
            seen.add(layer.jurisdiction)
            rows += _layer(engine, path.layers[: depth + 1], subjects, folder)
    head = "".join(f"<p>{word}: {a} of {b} ({percent((a, b)):.1f}%)</p>" for word, (a, b) in _figures(found))
    table = "<table><tr><th>file</th><th>norms applied</th><th>tests both ways</th></tr>" + "".join(rows) + "</table>"
    index = folder / "index.html"
    body = f"<h1>Coverage of the rules</h1><p>{found.scenarios} scenarios, {found.checks} expectations</p>{head}{table}"
    index.write_text(_page("Coverage of the rules", body), encoding="utf-8")
    return index


def _figures(found: Coverage) -> tuple[tuple[str, tuple[int, int]], ...]:
    return ("norms that applied", found.norms), ("tests that came out both ways", found.leaves), ("exceptions that mattered", found.exceptions)


def _layer(engine: Engine, layers: tuple[Layer, ...], subjects: dict[tuple[str, str], Subject], folder: Path) -> Iterator[str]:
    layer = layers[-1]
    concepts = {name: tree for item in layers for name, tree in item.concepts.items()}
    classes = {name: tree for item in layers for name, tree in item.classes.items()}
    scope = Scope(engine.rulebook.lexicon, concepts, classes)
    for path, shown in engine.rulebook.files(layer.jurisdiction):
        text = read_text(path, shown)
        marks: dict[int, tuple[str, str]] = {}
        inside: list[Subject] = []
        for document in parse(text, shown):
            for subject, line, trees in _declared(document, layer.jurisdiction, subjects):
                inside.append(subject)
                marks[line] = _rule_mark(subject)
                for raw, loc, bare in trees:
                    for at, mark in _leaf_marks(document, raw, loc, bare, scope, subject):
                        if at != line:
                            marks[at] = mark
        if not inside:
            continue
        name = shown.replace("/", "_").removesuffix(".yaml") + ".html"
        (folder / name).write_text(_page(shown, f'<p><a href="index.html">all files</a></p><h1>{html.escape(shown)}</h1>{_lines(text, marks)}'), encoding="utf-8")
        norms = [item for item in inside if item.kind == "norm"]
        counts = [leaf for item in inside for leaf in item.leaves]
        yield (
            f'<tr><td><a href="{name}">{html.escape(shown)}</a></td><td class="n">{sum(item.covered for item in norms)} of {len(norms)}</td>'
            f'<td class="n">{sum(leaf.both for leaf in counts)} of {len(counts)}</td></tr>'
        )


def _declared(document: Document, jurisdiction: str, subjects: dict[tuple[str, str], Subject]) -> Iterator[tuple[Subject, int, list[tuple[Any, Loc, str]]]]:
    """The rules and concepts of a document: what was seen of each, its line, and its conditions with their places."""
    for section in SECTIONS:
        for index, item in enumerate(document.data.get(section) or ()):
            subject = subjects.get((jurisdiction, str(item.get("id"))))
            if subject is not None:
                loc: Loc = (section, index)
                trees = [(item[key], (*loc, key), bare) for key, bare in (("when", "all"), ("unless", "any")) if key in item]
                yield subject, document.position(loc)[0], trees
    for name, body in (document.data.get("concepts") or {}).items():
        subject = subjects.get((jurisdiction, name))
        if subject is not None:
            named = isinstance(body, dict) and "is" in body
            place: Loc = ("concepts", name, "is") if named else ("concepts", name)
            yield subject, document.position(("concepts", name), key=True)[0], [(body["is"] if named else body, place, "all")]


def _leaf_marks(document: Document, raw: Any, loc: Loc, bare: str, scope: Scope, subject: Subject) -> Iterator[tuple[int, tuple[str, str]]]:
    by_tree: dict[Tree, LeafCount] = {leaf.tree: leaf for leaf in subject.leaves}
    for node in _written_leaves(parse_condition(raw, loc, bare_list=bare)):
        try:
            tree = resolve(_at(document.data, node.loc), scope)
        except ConditionError:
            continue
        count = by_tree.get(tree.part if isinstance(tree, Negation) else tree)
        if count is not None:
            style = "all" if count.both else "some" if count.true or count.false else "none"
            yield document.position(node.loc)[0], (style, f"true {count.true}, false {count.false}, open {count.open}")


def _written_leaves(node: Condition) -> Iterator[Leaf | Count]:
    match node:
        case AllParts(parts) | AnyParts(parts):
            for part in parts:
                yield from _written_leaves(part)
        case Not(part):
            yield from _written_leaves(part)
        case Leaf() | Count():
            yield node


def _at(data: Any, loc: Loc) -> Any:
    for step in loc:
        data = data[step]
    return data


def _rule_mark(subject: Subject) -> tuple[str, str]:
    states = subject.states
    told = f"applied {states[APPLIED]}"
    if states[DISPLACED]:
        told += f", displaced {states[DISPLACED]}"
    mattered = sum(count > 0 for count in subject.exceptions.values())
    if subject.exceptions:
        told += f", {mattered} of {len(subject.exceptions)} exceptions mattered"
    return ("all" if subject.covered else "none"), told


def _lines(text: str, marks: dict[int, tuple[str, str]]) -> str:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        style, note = marks.get(number, ("", ""))
        rows.append(f'<tr class="{style}"><td class="n">{number}</td><td><pre>{html.escape(line)}</pre></td><td class="note">{html.escape(note)}</td></tr>')
    return f"<table>{''.join(rows)}</table>"


def _page(title: str, body: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en">{head}{body}</html>\n'
