"""Small faults in conditions: an exception dropped, a threshold moved by one, `all` and `any` swapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from policy_engine.language.tree import FALSE, AllOf, AnyOf, ClassTest, CompareTest, ConceptTest, FieldCompare, ListTest, Negation, Tree

SWAP, THRESHOLD, EXCEPTION = "and/or swapped", "threshold moved by one", "exception dropped"


@dataclass(frozen=True, slots=True)
class Edit:
    """A condition changed in one place: by what operator, told how."""

    operator: str
    told: str
    tree: Tree


def edits(tree: Tree) -> Iterator[Edit]:
    """Every swap and every moved threshold, outside the bodies of concepts and classes, which have faults of their own."""
    match tree:
        case AllOf(parts) | AnyOf(parts):
            other = AnyOf if isinstance(tree, AllOf) else AllOf
            if len(parts) > 1:
                words = ("all", "any") if isinstance(tree, AllOf) else ("any", "all")
                yield Edit(SWAP, f"`{words[0]}` becomes `{words[1]}` in ({shortened(tree)})", other(parts))
            for index, part in enumerate(parts):
                for edit in edits(part):
                    yield replace(edit, tree=type(tree)((*parts[:index], edit.tree, *parts[index + 1 :])))
        case Negation(part):
            for edit in edits(part):
                yield replace(edit, tree=Negation(edit.tree))
        case ListTest():
            if tree.least > 1:
                yield Edit(THRESHOLD, f"at least {tree.least} becomes {tree.least + 1}", replace(tree, least=tree.least + 1, written=f"{tree.written} (+1)"))
                yield Edit(THRESHOLD, f"at least {tree.least} becomes {tree.least - 1}", replace(tree, least=tree.least - 1, written=f"{tree.written} (-1)"))
            for edit in edits(tree.where):
                yield replace(edit, tree=replace(tree, where=edit.tree, written=f"{tree.written} ({edit.told})"))
        case CompareTest() if tree.quantity != "is_past":
            for step in (1, -1):
                yield Edit(THRESHOLD, f"`{tree.written}` moved by {step:+d}", replace(tree, number=tree.number + step, written=f"{tree.written} {step:+d}"))
        case FieldCompare():
            for step in (1, -1):
                yield Edit(THRESHOLD, f"`{tree}` moved by {step:+d}", replace(tree, number=tree.number + step))


def exceptions(tree: Tree) -> Iterator[Edit]:
    """Every way to drop one exception from an `unless`."""
    if tree == FALSE:
        return
    parts = tree.parts if isinstance(tree, AnyOf) else (tree,)
    for index, part in enumerate(parts):
        rest = (*parts[:index], *parts[index + 1 :])
        yield Edit(EXCEPTION, f"`{shortened(part)}` no longer excepts", rest[0] if len(rest) == 1 else AnyOf(rest))


def shortened(tree: Tree) -> str:
    """A condition in words, cut where it is long."""
    words = str(tree)
    return words if len(words) <= 90 else f"{words[:87]}..."


def with_concept(tree: Tree, name: str, body: Tree) -> Tree:
    """The condition with the body of one concept replaced wherever the concept is used; the same object where it is not."""

    def visit(node: Tree) -> Tree:
        match node:
            case ConceptTest(own, inside):
                if own == name:
                    return ConceptTest(name, body)
                made = visit(inside)
                return node if made is inside else ConceptTest(own, made)
            case AllOf(parts) | AnyOf(parts):
                changed = _each(parts, visit)
                return node if changed is parts else type(node)(changed)
            case Negation(part):
                made = visit(part)
                return node if made is part else Negation(made)
        return node

    return visit(tree)


def _each(parts: tuple[Tree, ...], visit: Callable[[Tree], Tree]) -> tuple[Tree, ...]:
    changed = tuple([visit(part) for part in parts])
    return parts if all(a is b for a, b in zip(parts, changed, strict=True)) else changed


def concepts_in(tree: Tree) -> Iterator[str]:
    """The names of the concepts that a condition uses, also through other concepts."""
    match tree:
        case ConceptTest(name, body):
            yield name
            yield from concepts_in(body)
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from concepts_in(part)
        case Negation(part) | ClassTest(body=part):
            yield from concepts_in(part)
