"""`policy-engine schema`: JSON Schemas for rule, vocabulary and scenario files, made from the models."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from pydantic import BaseModel

from policy_engine.language.models import RuleFile
from policy_engine.language.problems import BadInput, unknown_name
from policy_engine.language.scenario import ScenarioBase, ScenarioModel
from policy_engine.language.vocabulary import ActionsFile, CaseEventsFile, DispositionsFile, EventsFile, FactsFile, LeftOutFile, QuestionsFile, RanksFile, RulebookFile, TermsFile

MODELS: dict[str, type[BaseModel]] = {
    "rules": RuleFile,
    "scenario": ScenarioModel,
    "scenarios": ScenarioBase,
    "rulebook": RulebookFile,
    "facts": FactsFile,
    "questions": QuestionsFile,
    "actions": ActionsFile,
    "ranks": RanksFile,
    "terms": TermsFile,
    "events": EventsFile,
    "case_events": CaseEventsFile,
    "dispositions": DispositionsFile,
    "left-out": LeftOutFile,
}


def schema_of(name: str) -> dict[str, object]:
    """The JSON Schema of one kind of file.

    Raises:
        BadInput: no such kind.
    """
    if name not in MODELS:
        raise BadInput.one(unknown_name("kind of file", name, MODELS), "schema")
    found = MODELS[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


def command(kind: Annotated[str, typer.Argument(help=f"One of {', '.join(MODELS)}.")] = "rules") -> None:
    """Print the JSON Schema of a kind of file, for editors that complete and check YAML."""
    sys.stdout.write(json.dumps(schema_of(kind), indent=2) + "\n")
