"""The limits of durable_rules 2.0.28 within which it was seen to be right, each checked before anything is loaded.

Past several of them the library crashes, hangs or answers wrongly without an error, so every bound here is below the
one measured. See docs/live-cases.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from policy_engine.language.problems import BadInput, listed

MAX_PATTERNS = 12  # conditions joined in one rule; 64 were seen to work
MAX_BRANCHES = 12  # alternatives multiplied out before a part becomes a chained fact
MAX_RULES = 200  # rules in a ruleset; 4,096 is the hard limit
MAX_FIELDS = 200  # fields of a fact beside the session id; 252 is the hard limit
MAX_PENDING = 56  # conditions waiting on the matcher's stack of 64
RESERVED = ("sid", "id", "$s", "_prime")

Rule = tuple[str, tuple[str, ...]]


class LimitPassed(BadInput):
    """A ruleset that durable_rules cannot be trusted with."""


def fnv1a(name: str) -> int:
    """The 32-bit hash by which durable_rules tells names and session ids apart."""
    found = 0x811C9DC5
    for byte in name.encode():
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that the library would take for one another, or for its own.

    Raises:
        LimitPassed: a name of another shape than the compiler's, a reserved name, or two names that share a hash.
    """
    seen = {fnv1a(name): name for name in RESERVED}
    for name in names:
        if not name.isalnum() or not name.isascii() or name in RESERVED:
            raise LimitPassed.one(f"`{name}` is no name for a field: letters and digits, none of {listed(RESERVED)}", where)
        other = seen.setdefault(fnv1a(name), name)
        if other != name:
            raise LimitPassed.one(f"durable_rules cannot tell `{name}` from `{other}`: their hashes collide", where)


def pending(rules: Sequence[Rule]) -> int:
    """The most conditions that can wait on the matcher's stack, with every field of the rules true.

    Rules share nodes as long as their first conditions are the same; on its way down to one node the matcher leaves
    every sibling waiting.
    """
    root: dict[str, object] = {}
    for _, fields in rules:
        node = root
        for field in fields:
            node = node.setdefault(field, {})  # type: ignore[assignment]
    return _deepest(root)


def _deepest(node: Mapping[str, object]) -> int:
    return len(node) + max((_deepest(child) for child in node.values()), default=0)  # type: ignore[arg-type]


def check_ruleset(rules: Sequence[Rule], where: str) -> None:
    """Hold a ruleset against every limit.

    Raises:
        LimitPassed: with the limit, what was found and what is allowed.
    """
    fields = {field for _, conditions in rules for field in conditions}
    found = (
        (len(rules), MAX_RULES, "rules in a ruleset"),
        (len(fields), MAX_FIELDS, "fields in a fact"),
        (max((len(conditions) for _, conditions in rules), default=0), MAX_PATTERNS, "conditions in a rule"),
        (pending(rules), MAX_PENDING, "conditions true at once"),
    )
    for number, limit, what in found:
        if number > limit:
            raise LimitPassed.one(f"{number} {what}; durable_rules is right up to {limit}", where)
    if not rules or any(not conditions for _, conditions in rules):
        raise LimitPassed.one("a rule without a condition: durable_rules hangs on an empty list", where)
    check_names(sorted(fields), where)
