"""A rulebook on disk: its name card, vocabulary and registry, and the layers of law it loads when a decision needs them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock

from policy_engine.language.cache import Cache
from policy_engine.language.calendars import Calendars
from policy_engine.language.layers import Above, load_layer
from policy_engine.language.lexicon import Lexicon, load_lexicon
from policy_engine.language.places import Place, Places, load_places
from policy_engine.language.problems import BadInput, Problem
from policy_engine.language.rules import Layer
from policy_engine.language.sections import WEEKENDS
from policy_engine.language.tables import Table, check_tables
from policy_engine.language.validate import require_mapping, validate
from policy_engine.language.vocabulary import RulebookFile
from policy_engine.language.yamlfile import read

RESERVED = {"vocabulary", "registry", "mappings"}


def shipped_rules() -> Path:
    """The folder of the rulebook that ships with the package."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "rules"
    return installed if installed.is_dir() else package.parent.parent / "rules"


@dataclass(frozen=True, slots=True)
class LawPath:
    """The layers that rule a place, outermost first, and the digest of the files they came from."""

    place: Place
    layers: tuple[Layer, ...]
    digest: str


@dataclass(frozen=True, slots=True)
class _Base:
    """What is read before any law."""

    card: RulebookFile
    lexicon: Lexicon
    places: Places
    digest: str


class Rulebook:
    """A rulebook. Files are read and checked when a place needs them; each is read once.

    Raises (on making and on loading a path):
        BadInput: every fault, with file, line and column.
    """

    def __init__(self, root: str | Path | None = None, cache: Cache | None = None) -> None:
        self.root = Path(root) if root is not None else shipped_rules()
        self.shown = self.root.name if root is None else str(root).rstrip("/")
        self.cache = cache if cache is not None else Cache.default()
        self._lock = RLock()
        self._layers: dict[str, Layer] = {}
        self._paths: dict[str, LawPath] = {}
        card = self.root / "rulebook.yaml"
        if not card.is_file():
            raise BadInput.one("no rulebook.yaml here; a rulebook is a folder with rulebook.yaml, vocabulary/ and rule files", self.shown)
        key = ("base", str(self.root), self.shown, _digest_files([card, *sorted(self.root.glob("vocabulary/*.yaml")), *sorted(self.root.rglob("*.csv"))]))
        base: _Base | None = self.cache.get(*key)
        if base is None:
            base = self._read_base(card)
            if base.card.registry.places:  # else the places are the folders, which the key does not hold
                self.cache.put(replace(base, lexicon=base.lexicon.without_documents()), *key)
        self.card, self.lexicon, self.places, self._base_digest = base.card, base.lexicon, base.places, base.digest
        self.tables = {name: Table(name, spec, self.root, self.shown, self.lexicon, self.places) for name, spec in self.card.registry.tables.items()}
        self.calendars = Calendars(self.card.calendars, self.cache)

    def _read_base(self, path: Path) -> _Base:
        """The card, the vocabulary and the registry of places, read and checked."""
        shown = f"{self.shown}/rulebook.yaml"
        documents = read(path, shown)
        if len(documents) != 1:
            raise BadInput.one(f"found {len(documents)} YAML documents; valid: one", shown)
        require_mapping(documents[0], "rulebook.yaml")
        card = validate(documents[0], RulebookFile)
        lexicon, vocabulary = load_lexicon(self.root / "vocabulary", self.shown)
        for name in card.workdays.excluding:
            if name not in {*card.calendars, WEEKENDS}:
                raise BadInput([documents[0].problem(("workdays", "excluding"), f"unknown calendar `{name}`; valid: weekends, {', '.join(card.calendars)}")])
        places = load_places(self.root, card.registry.places, self.shown, [] if card.registry.places else self.rule_paths())
        check_tables(card.registry.tables, documents[0], lexicon)
        registry = [self.root / name for name in (*card.registry.places, *(table.file for table in card.registry.tables.values()))]
        return _Base(card, lexicon, places, _digest_files([path, *vocabulary, *registry]))

    def rule_paths(self) -> list[str]:
        """Every jurisdiction that has rule files, outermost first."""
        found: set[str] = set()
        for path in self.root.rglob("*.yaml"):
            relative = path.relative_to(self.root)
            parts = relative.parts
            if len(parts) == 1 or parts[0] in RESERVED or any(part.startswith(".") for part in parts):
                continue
            folder = "/".join(parts[:-1])
            stem = "/".join((*parts[:-1], relative.stem))
            found.add(stem if self._is_jurisdiction_file(path) else folder)
        return sorted(found, key=lambda item: (item.count("/"), item))

    def _is_jurisdiction_file(self, path: Path) -> bool:
        """Whether one file is a jurisdiction of its own (a/b/9.yaml), told by its first key."""
        stem = "/".join((*path.relative_to(self.root).parts[:-1], path.stem))
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("jurisdiction:"):
                    return line.split(":", 1)[1].split("#")[0].strip().strip("'\"") == stem
        return False

    def files(self, jurisdiction: str) -> list[tuple[Path, str]]:
        """The rule files of one jurisdiction, with the names that messages use."""
        single = self.root / f"{jurisdiction}.yaml"
        folder = self.root / jurisdiction
        found = [single] if single.is_file() else []
        if folder.is_dir():
            found += sorted(path for path in folder.glob("*.yaml") if not self._is_jurisdiction_file(path))
        return [(path, f"{self.shown}/{path.relative_to(self.root)}") for path in found]

    def layer(self, jurisdiction: str, above: tuple[Layer, ...]) -> Layer:
        """The rules of one jurisdiction, read under those of the layers above it."""
        with self._lock:
            if jurisdiction not in self._layers:
                calendars = frozenset(self.card.calendars)

                def below(path: str) -> bool:
                    place = self.places.by_path.get(path)
                    return place is not None and jurisdiction in self.places.layers(place)

                files = self.files(jurisdiction)
                key = ("layer", self._base_digest, jurisdiction, self.shown, _digest_files([path for path, _ in files]), *(digest for layer in above for digest in layer.digests))
                layer = self.cache.get(*key)
                if layer is None:
                    layer = load_layer(jurisdiction, files, self.lexicon, calendars, Above.of(above), below)
                    self.cache.put(layer, *key)
                self._layers[jurisdiction] = layer
            return self._layers[jurisdiction]

    def path(self, jurisdiction: str) -> LawPath:
        """The layers for a place, by its path or alias.

        Raises:
            BadInput: an unknown place, or faults in a file on the path.
        """
        found = self._paths.get(jurisdiction)
        if found is not None:
            return found
        with self._lock:
            place = self.places.find(jurisdiction)
            layers: list[Layer] = []
            problems: list[Problem] = []
            for name in self.places.layers(place):
                try:
                    layers.append(self.layer(name, tuple(layers)))
                except BadInput as error:
                    problems.extend(error.problems)
                    break  # the layers below rest on this one
            problems = problems or self._check_defaults(layers)
            if problems:
                raise BadInput(problems)
            digest = hashlib.sha256(self._base_digest.encode())
            for layer in layers:
                digest.update("".join((layer.jurisdiction, *layer.files, *layer.digests)).encode())
            self._paths[jurisdiction] = LawPath(place, tuple(layers), digest.hexdigest()[:16])
            return self._paths[jurisdiction]

    def _check_defaults(self, layers: list[Layer]) -> list[Problem]:
        known = {name for layer in layers for name in layer.sources}
        document = self.lexicon.documents.get("actions") or self.lexicon.documents["agency_kinds"]
        return [
            document.problem(("actions", name, "default_authority"), f"no file on the path declares the authority `{action.default_authority}`")
            for name, action in self.lexicon.actions.items()
            if action.default_authority not in known
        ]

    def all_paths(self) -> Iterator[LawPath]:
        """The path of every jurisdiction that has rule files."""
        for jurisdiction in self.rule_paths():
            if jurisdiction in self.places.by_path or jurisdiction in self.places.aliases:
                yield self.path(jurisdiction)


def _digest_files(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
