"""Conditions resolved against the vocabulary: names found, values typed, faults told with the nearest valid word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policy_engine.language.conditions import All, Any_, Condition, ConditionError, Count, Leaf, Not, YearsBefore, parse_condition, walk
from policy_engine.language.lexicon import TIME_PARTS, Lexicon
from policy_engine.language.problems import listed, unknown_name
from policy_engine.language.tree import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    ClassTest,
    CompareTest,
    ConceptTest,
    FieldCompare,
    FieldTest,
    HasTest,
    ListTest,
    Negation,
    QuestionTest,
    Tree,
    Value,
    ValueTest,
    all_of,
)
from policy_engine.language.vocabulary import Fact, FieldType
from policy_engine.language.yamlfile import Loc, as_date

ORDERED = ("<", "<=", ">", ">=")


@dataclass(slots=True)
class Scope:
    """The words a condition may use: the vocabulary, and the concepts and classes of its path."""

    lexicon: Lexicon
    concepts: Mapping[str, Tree] = field(default_factory=dict)
    classes: Mapping[str, Tree] = field(default_factory=dict)
    pending: Callable[[str], Tree | None] | None = None


def resolve(data: Any, scope: Scope, loc: Loc = (), *, bare_list: str = "all") -> Tree:
    """The condition in a YAML value, resolved.

    Raises:
        ConditionError: with the place of the fault below `loc`.
    """
    return _resolve(parse_condition(data, loc, bare_list=bare_list), scope)


def _resolve(node: Condition, scope: Scope) -> Tree:
    match node:
        case All(parts):
            return all_of(*(_resolve(part, scope) for part in parts)) if parts else TRUE
        case Any_(parts):
            trees = tuple(_resolve(part, scope) for part in parts)
            return trees[0] if len(trees) == 1 else AnyOf(trees)
        case Not(part):
            return Negation(_resolve(part, scope))
        case Count():
            return _list_test(node, scope)
        case Leaf():
            return _leaf(node, scope)
        case YearsBefore():
            raise ConditionError("`years_before` belongs under `where`", node.loc)


def _leaf(leaf: Leaf, scope: Scope) -> Tree:
    lexicon, name = scope.lexicon, leaf.name
    fact = lexicon.facts.get(name)
    if fact is None:
        concept = scope.concepts.get(name)
        if concept is None and scope.pending is not None:
            concept = scope.pending(name)
        if concept is not None:
            return _named(leaf, ConceptTest(name, concept))
        if name in lexicon.questions:
            return _named(leaf, QuestionTest(name))
        base, _, part = name.rpartition(".")
        if part in TIME_PARTS and base in lexicon.facts:
            return _time_part(leaf, base, part, lexicon.facts[base])
        times = [f"{base}.{part}" for part in TIME_PARTS] if base in lexicon.facts and lexicon.facts[base].type == "time" else []
        valid = times or [*lexicon.facts, *lexicon.questions, *scope.concepts]
        raise ConditionError(unknown_name("fact, question or concept", name, valid), leaf.loc)
    if fact.same_as:
        base, _, part = fact.same_as.rpartition(".")
        return _time_part(leaf, base, part, lexicon.facts[base])
    return _FACT_TESTS[fact.type](leaf, fact)


def _named(leaf: Leaf, test: ConceptTest | QuestionTest) -> Tree:
    if leaf.op == "is":
        return test
    if leaf.op in ("=", "!=") and leaf.values[0] in ("true", "false"):
        return test if (leaf.op == "=") == (leaf.values[0] == "true") else Negation(test)
    raise ConditionError(f"`{leaf.name}` is true or false; write `{leaf.name}`, or `= false`", leaf.loc)


def _boolean(word: str, leaf: Leaf) -> bool:
    if word not in ("true", "false"):
        raise ConditionError(f"`{leaf.name}` is true or false; found `{word}`", leaf.loc)
    return word == "true"


def _bool_test(leaf: Leaf, _fact: Fact) -> Tree:
    if leaf.op == "is":
        return ValueTest(leaf.name, frozenset([True]))
    if leaf.op not in ("=", "!="):
        raise ConditionError(f"`{leaf.op}` does not fit `{leaf.name}`, which is true or false", leaf.loc)
    wanted = _boolean(leaf.values[0], leaf)
    return ValueTest(leaf.name, frozenset([wanted == (leaf.op == "=")]))


def _words(leaf: Leaf, valid: tuple[str, ...]) -> frozenset[Value]:
    for word in leaf.values:
        if valid and word not in valid:
            raise ConditionError(unknown_name(f"value of `{leaf.name}`:", word, valid), leaf.loc)
    return frozenset(leaf.values)


def _enum_test(leaf: Leaf, fact: Fact) -> Tree:
    if leaf.op not in ("=", "!=", "in"):
        hint = f"write `{leaf.name} = VALUE`" + (f" with one of {listed(fact.values)}" if fact.values else "")
        raise ConditionError(f"`{leaf.name}` needs a value; {hint}" if leaf.op == "is" else f"`{leaf.op}` does not fit `{leaf.name}`; {hint}", leaf.loc)
    test = ValueTest(leaf.name, _words(leaf, fact.values))
    return Negation(test) if leaf.op == "!=" else test


def _set_test(leaf: Leaf, fact: Fact) -> Tree:
    if leaf.op not in ("=", "in", "contains", "!="):
        raise ConditionError(f"`{leaf.name}` is a set; write `{leaf.name} contains VALUE`", leaf.loc)
    _words(leaf, fact.values)
    tests = tuple(HasTest(leaf.name, word) for word in leaf.values)
    test: Tree = tests[0] if len(tests) == 1 else AnyOf(tests)
    return Negation(test) if leaf.op == "!=" else test


def _number(word: str, leaf: Leaf) -> float:
    try:
        return float(word)
    except ValueError:
        raise ConditionError(f"`{leaf.name}` is compared with a number; found `{word}`", leaf.loc) from None


def _number_test(leaf: Leaf, fact: Fact) -> Tree:
    return _compare(leaf, leaf.name, "value")


def _compare(leaf: Leaf, fact: str, quantity: str) -> Tree:
    if leaf.op in ORDERED:
        return CompareTest(fact, quantity, leaf.op, _number(leaf.values[0], leaf), str(leaf))
    if leaf.op in ("=", "!="):
        number = _number(leaf.values[0], leaf)
        test = AllOf((CompareTest(fact, quantity, ">=", number, f"{leaf.name} >= {number:g}"), CompareTest(fact, quantity, "<=", number, f"{leaf.name} <= {number:g}")))
        return Negation(test) if leaf.op == "!=" else test
    raise ConditionError(f"`{leaf.name}` is a number; compare it with < <= > >= or =", leaf.loc)


def _time_part(leaf: Leaf, base: str, part: str, fact: Fact) -> Tree:
    if fact.type != "time":
        raise ConditionError(f"`{base}` is a {fact.type}, not a time: it has no `{part}`", leaf.loc)
    if part == "is_past":
        if leaf.op != "is" and not (leaf.op in ("=", "!=") and leaf.values[0] in ("true", "false")):
            raise ConditionError(f"`{leaf.name}` is true or false", leaf.loc)
        test = CompareTest(base, "is_past", ">=", 1, f"{base}.is_past")
        positive = leaf.op == "is" or (leaf.op == "=") == (leaf.values[0] == "true")
        return test if positive else Negation(test)
    return _compare(leaf, base, part)


def _time_test(leaf: Leaf, fact: Fact) -> Tree:
    day = as_date(leaf.values[0]) if leaf.values else None
    if leaf.op in ORDERED and day is not None:
        return CompareTest(leaf.name, "day", leaf.op, float(day.toordinal()), str(leaf))
    raise ConditionError(
        f"`{leaf.name}` is a time; compare it with a day (`{leaf.name} < 2025-01-31`) or test {', '.join(f'`{leaf.name}.{part}`' for part in TIME_PARTS)}", leaf.loc
    )


def _list_leaf(leaf: Leaf, _fact: Fact) -> Tree:
    raise ConditionError(f"`{leaf.name}` is a list; write `{{some: {leaf.name}, where: [...]}}`", leaf.loc)


_FACT_TESTS: dict[str, Callable[[Leaf, Fact], Tree]] = {
    "bool": _bool_test,
    "enum": _enum_test,
    "text": _enum_test,
    "term": _enum_test,
    "set": _set_test,
    "number": _number_test,
    "time": _time_test,
    "date": _time_test,
    "list": _list_leaf,
}


def _list_test(node: Count, scope: Scope) -> Tree:
    fact = scope.lexicon.facts.get(node.of)
    if fact is None or fact.type != "list":
        lists = [name for name, item in scope.lexicon.facts.items() if item.type == "list"]
        raise ConditionError(unknown_name("list", node.of, lists), node.loc)
    if node.distinct is not None and node.distinct not in fact.record:
        raise ConditionError(unknown_name("field", node.distinct, fact.record), node.loc)
    where = _record(node.where, fact, node.of, scope)
    named = fields_named(node.where)
    ignored = [_record(parse_condition(text), fact, node.of, scope) for text in fact.ignored_when if _field_of(text) not in named]
    if ignored:
        where = AllOf((*((where,) if where != TRUE else ()), *(Negation(test) for test in ignored)))
    return ListTest(node.of, node.least, node.distinct, where, str(node))


def _field_of(text: str) -> str:
    condition = parse_condition(text)
    return condition.name if isinstance(condition, Leaf) else ""


def fields_named(condition: Condition) -> set[str]:
    """The fields that a `where` names."""
    return {node.name.removesuffix(".years_ago") for node in walk(condition) if isinstance(node, Leaf)}


def _record(node: Condition, fact: Fact, owner: str, scope: Scope) -> Tree:
    match node:
        case All(parts):
            return all_of(*(_record(part, fact, owner, scope) for part in parts)) if parts else TRUE
        case Any_(parts):
            return AnyOf(tuple(_record(part, fact, owner, scope) for part in parts)) if parts else FALSE
        case Not(part):
            return Negation(_record(part, fact, owner, scope))
        case YearsBefore():
            return _years_before(node, fact, scope)
        case Leaf():
            return _field(node, fact, owner, scope)
        case Count():
            raise ConditionError("a test of a list cannot stand inside another", node.loc)


def _years_before(node: YearsBefore, fact: Fact, scope: Scope) -> Tree:
    other = scope.lexicon.facts.get(node.fact)
    if other is None or other.type != "time":
        times = [name for name, item in scope.lexicon.facts.items() if item.type == "time"]
        raise ConditionError(unknown_name("time fact", node.fact, times), node.loc)
    name = node.field or fact.dated_by
    if name is None or name not in fact.record or fact.record[name].type != "date":
        raise ConditionError(unknown_name("date field", str(name), [key for key, kind in fact.record.items() if kind.type == "date"]), node.loc)
    return FieldCompare(name, f"years_before:{node.fact}", node.op, float(node.years))


def _field(leaf: Leaf, fact: Fact, owner: str, scope: Scope) -> Tree:
    name = leaf.name
    years = name == "years_ago" or name.endswith(".years_ago")
    if years:
        name = name.removesuffix("years_ago").rstrip(".") or (fact.dated_by or "")
    kind = fact.record.get(name)
    if kind is None or (years and kind.type != "date"):
        raise ConditionError(unknown_name(f"field of `{owner}`", leaf.name, [*fact.record, "years_ago"]), leaf.loc)
    if years:
        if leaf.op not in ORDERED:
            raise ConditionError("`years_ago` is compared with < <= > >=", leaf.loc)
        return FieldCompare(name, "years_ago", leaf.op, _number(leaf.values[0], leaf))
    return _typed_field(leaf, name, kind, scope)


def _typed_field(leaf: Leaf, name: str, kind: FieldType, scope: Scope) -> Tree:
    if kind.type == "bool":
        if leaf.op not in ("is", "=", "!="):
            raise ConditionError(f"`{leaf.name}` is true or false", leaf.loc)
        wanted = True if leaf.op == "is" else _boolean(leaf.values[0], leaf) == (leaf.op == "=")
        return FieldTest(name, frozenset([wanted]))
    if kind.type == "number":
        if leaf.op not in ORDERED:
            raise ConditionError(f"`{leaf.name}` is a number; compare it with < <= > >=", leaf.loc)
        return FieldCompare(name, "value", leaf.op, _number(leaf.values[0], leaf))
    if kind.type == "date":
        day = as_date(leaf.values[0]) if leaf.values else None
        if leaf.op not in ORDERED or day is None:
            raise ConditionError(f"`{leaf.name}` is a date; compare it with a day or test `{leaf.name}.years_ago`", leaf.loc)
        return FieldCompare(name, "day", leaf.op, float(day.toordinal()))
    if leaf.op not in ("=", "!=", "in"):
        raise ConditionError(f"`{leaf.name}` needs a value: `{leaf.name} = VALUE` or `{leaf.name} in a | b`", leaf.loc)
    if kind.type == "term":
        return _term_test(leaf, name, kind.taxonomy or "", scope)
    test = FieldTest(name, _words(leaf, kind.values))
    return Negation(test) if leaf.op == "!=" else test


def _term_test(leaf: Leaf, name: str, taxonomy: str, scope: Scope) -> Tree:
    plain: set[Value] = set()
    classes: list[Tree] = []
    for word in leaf.values:
        body = scope.classes.get(word)
        if body is not None:
            classes.append(ClassTest(word, body))
            continue
        term = scope.lexicon.term(taxonomy, word)
        if term is None:
            valid = [*scope.lexicon.terms.get(taxonomy, {}), *scope.classes]
            raise ConditionError(unknown_name(f"{name}", word, valid), leaf.loc)
        plain.add(term)
    tests: list[Tree] = [FieldTest(name, frozenset(plain))] if plain else []
    tests += classes
    test = tests[0] if len(tests) == 1 else AnyOf(tuple(tests))
    return Negation(test) if leaf.op == "!=" else test


def resolve_record(data: Any, owner: str, scope: Scope, loc: Loc = ()) -> Tree:
    """A condition on the records of the list fact `owner`, as written under `where`.

    Raises:
        ConditionError: with the place of the fault below `loc`.
    """
    return _record(parse_condition(data, loc), scope.lexicon.facts[owner], owner, scope)
