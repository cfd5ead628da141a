"""Statuses of an action, and their codes in circuits and diagrams."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What law says of an action on a scenario's facts."""

    REQUIRED = "required"
    PERMITTED = "permitted"
    PROHIBITED = "prohibited"
    CONFLICT = "conflict"
    UNDETERMINED = "undetermined"


CODES: tuple[Status, ...] = (Status.REQUIRED, Status.PERMITTED, Status.PROHIBITED, Status.CONFLICT)
REQUIRED, PERMITTED, PROHIBITED, CONFLICT, IMPOSSIBLE = range(5)
POSSIBLE = 0b1111


def statuses(bits: int) -> tuple[Status, ...]:
    """The statuses in a set of codes."""
    return tuple(status for code, status in enumerate(CODES) if bits >> code & 1)


class Basis(StrEnum):
    """What a settled status rests on."""

    NORM = "norm"
    DEFAULT = "default"
    WANT_OF_AUTHORITY = "want_of_authority"
