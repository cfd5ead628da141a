"""The law of one jurisdiction as a page of markdown that a lawyer can review without reading YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from policy_engine.language.lexicon import Lexicon
from policy_engine.language.rulebook import LawPath, Rulebook
from policy_engine.language.rules import ClockRule, DutyRule, ExposureRule, HoldingRule, Layer, NormRule, NoteRule, PreemptionRule, RuleBase, Source
from policy_engine.language.times import FIRST, LAST, Spans
from policy_engine.language.tree import FALSE, TRUE, AllOf, AnyOf, ClassTest, ConceptTest, Negation, QuestionTest, Tree
from policy_engine.language.usage import Usage, deep

WORDS = {"require": "must", "forbid": "must not", "permit": "may"}


def markdown(rulebook: Rulebook, path: LawPath) -> str:
    """The innermost layer of a path: sources, what each action must, may and must not, what displaces what, questions, duties, exposures, terms."""
    layer, lexicon = path.layers[-1], rulebook.lexicon
    above = [item.jurisdiction for item in path.layers[:-1]]
    lines = [f"# {layer.name}", "", "<!-- Written by `policy-engine show --format markdown`; change the rules, not this page. -->", ""]
    if layer.says:
        lines += [layer.says.strip(), ""]
    lines += [f"Law of `{layer.jurisdiction}` itself, as checked on {rulebook.card.checked}. Above it stand {_listed(above)}. {rulebook.card.notice.strip()}", ""]
    lines += _counts(layer)
    for action, declared in lexicon.actions.items():
        lines += _action(layer, action, declared.says)
    lines += _part("What displaces lower law", [_preemption(rule) for rule in layer.preemptions])
    lines += _part("Questions of law", _questions(layer, lexicon))
    lines += _part("Duties", [_duty(rule) for rule in layer.duties])
    lines += _part("Clocks", [_clock(rule) for rule in layer.clocks])
    lines += _part("Exposure", [_exposure(rule) for rule in layer.exposures])
    lines += _part("Notes", [_note(rule) for rule in layer.notes])
    lines += _terms(layer)
    lines += _sources(layer)
    return "\n".join(lines).rstrip() + "\n"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) if names else "no other layers"


def _counts(layer: Layer) -> list[str]:
    low = sum(rule.confidence == "low" for rule in layer.rules)
    pending = sum(rule.pending for rule in layer.rules)
    text = f"{len(layer.rules)} rules from {len(layer.sources)} sources"
    extra = [f"{low} of low confidence" if low else "", f"{pending} pending, which govern nothing" if pending else ""]
    return [", ".join(filter(None, [text, *extra])) + ".", ""]


def _action(layer: Layer, action: str, says: str) -> list[str]:
    norms = [norm for norm in layer.norms if action in norm.actions]
    if not norms:
        return []
    return _part(f"{says} (`{action}`)", [_norm(norm) for norm in norms])


def _part(title: str, items: Sequence[list[str]]) -> list[str]:
    if not items:
        return []
    return [f"## {title}", "", *(line for item in items for line in item), ""]


def _norm(norm: NormRule) -> list[str]:
    extra = []
    if norm.overrides:
        extra.append(f"Overrides {_listed(norm.overrides)}.")
    if norm.effect != "forbid" and norm.grants is False:
        extra.append("It lifts a limit; it is no power of its own.")
    if norm.due:
        extra.append(f"To be met by {norm.due}.")
    if norm.within_hours:
        extra.append(f"Within {norm.within_hours:g} hours.")
    if norm.consequence:
        extra.append(f"Consequence: {_sentence(norm.consequence)}")
    return _rule(norm, f"{_who(norm)} **{WORDS[norm.effect]}**", extra)


def _preemption(rule: PreemptionRule) -> list[str]:
    effects = "/".join(sorted(rule.effects))
    return _rule(rule, f"{_who(rule)}: displaces every lower `{effects}` on {_listed(sorted(rule.actions))}")


def _duty(rule: DutyRule) -> list[str]:
    on = rule.action or rule.event or ""
    extra = [f"Within {rule.within_hours:g} hours{_leaving(rule.excluding)}."] if rule.within_hours else []
    return _rule(rule, f"{_who(rule)}, on {on.replace('_', ' ')}", extra, rule.must)


def _clock(rule: ClockRule) -> list[str]:
    return _rule(rule, f"`{rule.action}`: {rule.hours:g} hours from `{rule.starts}`{_leaving(rule.excluding)}")


def _leaving(excluding: Iterable[str]) -> str:
    names = [name.replace("_", " ") for name in excluding]
    return f", leaving out {' and '.join(names)}" if names else ""


def _exposure(rule: ExposureRule) -> list[str]:
    amount = f"; {rule.amount}" if rule.amount else ""
    return _rule(rule, f"{rule.choice.replace('_', ' ')} `{rule.action}`: {rule.kind.replace('_', ' ')} of the {rule.actor}{amount}, **{rule.status.replace('_', ' ')}**")


def _note(rule: NoteRule) -> list[str]:
    return _rule(rule, f"on `{rule.action}`")


def _questions(layer: Layer, lexicon: Lexicon) -> list[list[str]]:
    usage = Usage()
    usage.add_layer(layer)
    found: list[list[str]] = []
    for name in lexicon.questions:
        if name not in usage.questions:
            continue
        answers = [rule for rule in layer.holdings if rule.settles == name]
        asked = [rule.id for rule in layer.rules if any(isinstance(node, QuestionTest) and node.question == name for tree in (rule.when, rule.unless) for node in deep(tree))]
        lines = [f"- **{lexicon.questions[name].ask}** (`{name}`)"]
        if asked:
            lines.append(f"  - Asked by {_listed(asked)}.")
        for rule in answers:
            lines += [f"  {line}" for line in _holding(rule)]
        found.append(lines)
    return found


def _holding(rule: HoldingRule) -> list[str]:
    told = "answers" if rule.weight == "binding" else f"leans ({rule.weight}) to"
    over = [f"Overrules {_listed(rule.overrules)}."] if rule.overrules else []
    return _rule(rule, f"{told} **{'yes' if rule.answer else 'no'}** for `{rule.territory}`", over)


def _rule(rule: RuleBase, head: str, extra: Sequence[str] = (), says: str = "") -> list[str]:
    """A rule as a list item: what it does, its words, its conditions, its source."""
    pending = "PENDING, governs nothing: " if rule.pending else ""
    lines = [f"- {pending}{head}{_days(rule.in_force)}: {_sentence(says or rule.says)}"]
    if rule.when != TRUE:
        lines += ["  - Where:", *_tree(rule.when, 4)]
    if rule.unless != FALSE:
        lines += ["  - Unless:", *_tree(rule.unless, 4, any_of=True)]
    lines += [f"  - {item}" for item in extra]
    lines.append(f"  - {rule.citation}; {rule.confidence} confidence; `{rule.id}`")
    return lines


def _sentence(text: str) -> str:
    words = " ".join(text.split())
    return words if words.endswith((".", "!", "?")) or not words else f"{words}."


def _who(rule: RuleBase) -> str:
    return "any agency" if rule.binds is None else ", ".join(sorted(kind.replace("_", " ") for kind in rule.binds))


def _days(spans: Spans) -> str:
    told = []
    for span in spans:
        start = "" if span.start == FIRST else f"from {span.start}"
        end = "" if span.end == LAST else f"to {span.end}"
        told.append(" ".join(filter(None, (start, end))))
    text = ", ".join(filter(None, told))
    return f" ({text})" if text else ""


def _tree(tree: Tree, indent: int, *, any_of: bool = False) -> Iterator[str]:
    """A condition as list items under a heading that says whether all or any of them are meant."""
    whole = AnyOf if any_of else AllOf
    parts = tree.parts if isinstance(tree, whole) else (tree,)
    for part in parts:
        yield from _item(part, indent)


def _item(tree: Tree, indent: int) -> Iterator[str]:
    """One list item; what is long gets items of its own."""
    pad = " " * indent
    match tree:
        case AllOf() | AnyOf() if len(str(tree)) > 90:
            yield f"{pad}- {'all' if isinstance(tree, AllOf) else 'any'} of:"
            for part in tree.parts:
                yield from _item(part, indent + 2)
        case Negation(part) if isinstance(part, (AllOf, AnyOf)) and len(str(part)) > 90:
            yield f"{pad}- not:"
            yield from _item(part, indent + 2)
        case _:
            yield f"{pad}- {_leaf(tree)}"


def _leaf(tree: Tree) -> str:
    return f"`{tree}`" if not isinstance(tree, ConceptTest) else f"*{tree.name}*"


def _terms(layer: Layer) -> list[str]:
    lines: list[str] = []
    for name, tree in layer.concepts.items():
        says = _sentence(layer.meanings.get(name, ""))
        either = isinstance(tree, AnyOf)
        lines += [f"- *{name}*{': ' + says if says else ''}{' Any of:' if either else ''}", *_tree(tree, 2, any_of=either)]
    for name, tree in layer.classes.items():
        says = _sentence(layer.meanings.get(name, ""))
        lines.append(f"- `{name}`{': ' + says if says else ':'}")
        lines += [f"  - {_member(part)}" for part in (tree.parts if isinstance(tree, AnyOf) else (tree,))]
    return ["## Terms", "", *lines, ""] if lines else []


def _member(tree: Tree) -> str:
    return f"everything in `{tree.name}`" if isinstance(tree, ClassTest) else f"`{tree}`"


def _sources(layer: Layer) -> list[str]:
    if not layer.sources:
        return []
    lines = ["## Sources", ""]
    lines += [_source(source) for source in layer.sources.values()]
    return [*lines, ""]


def _source(source: Source) -> str:
    cite = f"[{source.cite}]({source.url})" if source.url else source.cite
    status = "" if source.status == "in_force" else f", {source.status.replace('_', ' ')}"
    name = f", {source.name}" if source.name and source.name not in source.cite else ""
    history = f" {_sentence(source.history)}" if source.history else ""
    return f"- {cite}{name}{_days(source.in_force)}: {source.rank.replace('_', ' ')}{status}, {source.confidence} confidence; `{source.id}`.{history}"
