"""What a rulebook declares and nothing uses: authorities, concepts, classes, facts and questions of law."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from policy_engine.language.problems import Problem
from policy_engine.language.rulebook import Rulebook
from policy_engine.language.rules import ClockRule, DutyRule, HoldingRule, Layer
from policy_engine.language.tree import AllOf, AnyOf, ClassTest, CompareTest, ConceptTest, FieldCompare, HasTest, ListTest, Negation, QuestionTest, Tree, ValueTest
from policy_engine.language.yamlfile import Document, read


def deep(tree: Tree) -> Iterator[Tree]:
    """The tree and everything below it, into the records of lists and the bodies of classes too."""
    yield tree
    match tree:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from deep(part)
        case Negation(part) | ConceptTest(body=part) | ClassTest(body=part) | ListTest(where=part):
            yield from deep(part)


class Usage:
    """Every name that the rules of some layers use."""

    def __init__(self) -> None:
        self.authorities: set[str] = set()
        self.concepts: set[str] = set()
        self.classes: set[str] = set()
        self.facts: set[str] = set()
        self.questions: set[str] = set()

    def add_layer(self, layer: Layer) -> None:
        """Note what the rules, concepts and classes of a layer use; a concept used by nothing does not use what it names."""
        for rule in layer.rules:
            self.authorities.add(rule.source.id)
            self.add_tree(rule.when)
            self.add_tree(rule.unless)
            if isinstance(rule, HoldingRule):
                self.questions.add(rule.settles)
            if isinstance(rule, (ClockRule, DutyRule)) and rule.starts:
                self.facts.add(rule.starts)

    def add_tree(self, tree: Tree) -> None:
        """Note what a condition uses."""
        for node in deep(tree):
            match node:
                case ConceptTest(name):
                    self.concepts.add(name)
                case ClassTest(name):
                    self.classes.add(name)
                case ValueTest(fact) | HasTest(fact) | CompareTest(fact) | ListTest(fact):
                    self.facts.add(fact)
                case QuestionTest(question):
                    self.questions.add(question)
                case FieldCompare(quantity=quantity) if quantity.startswith("years_before:"):
                    self.facts.add(quantity.removeprefix("years_before:"))
                case _:
                    pass


def unused(rulebook: Rulebook, layers: Iterable[Layer], vocabulary_trees: Iterable[Tree], starts: Iterable[str]) -> list[Problem]:
    """One problem for each declared name that nothing uses.

    Args:
        rulebook: the rulebook.
        layers: every layer of it.
        vocabulary_trees: the conditions of the vocabulary (presumptions, events, dispositions).
        starts: time facts that date events.
    """
    layers = list(layers)
    usage = Usage()
    for layer in layers:
        usage.add_layer(layer)
    for tree in vocabulary_trees:
        usage.add_tree(tree)
    lexicon = rulebook.lexicon
    usage.authorities |= {action.default_authority for action in lexicon.actions.values()}
    usage.facts |= {rulebook.card.agency_fact, *starts}
    usage.facts |= {fact.same_as.rpartition(".")[0] for fact in lexicon.facts.values() if fact.same_as}
    usage.facts |= {name for name, fact in lexicon.facts.items() if fact.same_as}
    for table in rulebook.tables.values():
        usage.facts |= {*table.spec.match.values(), *table.spec.gives}
    problems: list[Problem] = []
    for layer in layers:
        documents = [document for path, shown in rulebook.files(layer.jurisdiction) for document in read(path, shown)]
        for document in documents:
            for section, kind in (("classes", "class"), ("concepts", "concept")):
                for name, body in (document.data.get(section) or {}).items():
                    if name in (usage.classes if section == "classes" else usage.concepts) and isinstance(body, dict):
                        usage.authorities.add(str(body.get("authority", "")))
                    elif name not in (usage.classes if section == "classes" else usage.concepts):
                        problems.append(document.problem((section, name), f"no rule uses the {kind} `{name}` [unused-{kind}]", key=True))
    for layer in layers:
        for path, shown in rulebook.files(layer.jurisdiction):
            for document in read(path, shown):
                problems += _authorities(document, usage)
    problems += _vocabulary(lexicon.documents.get("facts"), "facts", lexicon.facts, usage.facts, "fact")
    problems += _vocabulary(lexicon.documents.get("questions"), "questions", lexicon.questions, usage.questions, "question of law")
    return problems


def _authorities(document: Document, usage: Usage) -> Iterator[Problem]:
    for name, body in (document.data.get("authorities") or {}).items():
        if name not in usage.authorities:
            yield document.problem(("authorities", name), f"no rule rests on the authority `{name}` [unused-authority]", key=True)
        if isinstance(body, dict) and not str(body.get("cite") or "").strip():
            yield document.problem(("authorities", name, "cite"), f"the authority `{name}` has no citation [no-citation]", key=True)


def _vocabulary(document: Document | None, section: str, declared: dict[str, Any], used: set[str], kind: str) -> Iterator[Problem]:
    for name, model in declared.items():
        if document is not None and name not in used and not getattr(model, "kept", None):
            yield document.problem((section, name), f"no rule tests the {kind} `{name}` [unused-{kind.split()[0]}]", key=True)
