"""What is asked, in which words: a versioned questionnaire, rendered for one policy."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from bot.errors import ConfigError, MissingField
from bot.policies.policy import Policy
from bot.questionnaires import conditions, strict_yaml, wording
from bot.questionnaires.schema import CheckSpec, ClauseSpec, Document
from bot.questionnaires.script import Clause, Renderer, Script, Way

__all__ = ["Clause", "Questionnaire", "Script", "load", "parse"]

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """One version of the questions, for every product."""

    document: Document
    sha256: str  # of the file, or of a translation's folder
    written: Callable[[str], str] = str  # how a translation writes fixed expressions of a policy

    @property
    def version(self) -> str:
        return self.document.version

    @property
    def problems(self) -> Mapping[str, str]:
        """Problem code → severe | normal."""
        return self.document.problems

    def missing(self, policy: Policy) -> list[MissingField]:
        """Every policy field that this policy's own clauses speak of and that is empty."""
        found: dict[str, MissingField] = {}
        for id, spec in self.document.specs().items():
            try:
                if not conditions.applies(spec.when, policy, id):
                    continue
            except MissingField as error:
                found.setdefault(error.column, error)
                continue
            for name in _fields(spec):
                if getattr(policy, name) is None:
                    found.setdefault(name, MissingField(name, id))
        return list(found.values())

    def speaks_of(self, policy: Policy) -> set[str]:
        """The policy fields that this policy's own clauses speak of. Raises MissingField."""
        specs = self.document.specs().items()
        asked = (spec for id, spec in specs if conditions.applies(spec.when, policy, id))
        return {name for spec in asked for name in _fields(spec)}

    def render(
        self,
        policy: Policy,
        *,
        company: str,
        hotline: str,
        today: date,
        elder_age: int,
        way: Way = "phone",
        open_hours: tuple[int, int] = (9, 21),
    ) -> Script:
        """The script of one callback. Raises MissingField, naming column and clause.

        `today` decides nothing but the policyholder's age; `way` chooses wordings for a chat.
        """
        specs, care = self.document.specs(), self.document.care
        ids = [id for id, spec in specs.items() if conditions.applies(spec.when, policy, id)]
        items = tuple(id for id in ids if id in self.document.items)
        age = policy.holder_age(today)
        careful = age >= care.age and conditions.applies(care.when, policy, "care")
        checks = [
            spec
            for id in ids
            if isinstance(spec := specs[id], CheckSpec) and (careful or spec.ask == "always")
        ]
        asked = len(items) + len(checks)
        minutes = math.ceil(asked * self.document.seconds_per_item / 60)
        values = {name: getattr(policy, name) for name in wording.FIELDS} | {
            "company": company,
            "hotline": hotline,
            "minutes": minutes,
            "opens": open_hours[0],
            "closes": open_hours[1],
        }
        elder = age >= elder_age
        renderer = Renderer(self.document, values, elder, way, careful, self.written)
        dynamic = frozenset(id for id in ids if specs[id].dynamic)
        clauses = {id: renderer.clause(id) for id in ids if id not in dynamic}
        return Script(
            version=self.version,
            language=self.document.language,
            sha256=self.sha256,
            clauses=MappingProxyType(clauses),
            items=items,
            elder=elder,
            dynamic=dynamic,
            _render=renderer,
        )


def _fields(spec: ClauseSpec) -> list[str]:
    names = [name for t in spec.wordings() for name in t.fields()]
    if isinstance(spec, CheckSpec) and spec.field:
        names.append(spec.field)
    return [name for name in names if name in wording.FIELDS]


def parse(data: bytes, file_name: str) -> Questionnaire:
    """Raises ConfigError with file, line and place of every fault."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file_name}: not UTF-8") from error
    document = strict_yaml.read(Document, text, file_name)
    return Questionnaire(document, hashlib.sha256(data).hexdigest())


@lru_cache(maxsize=8)
def load(version: str) -> Questionnaire:
    """Raises ConfigError where there is no such version or its file is faulty."""
    path = FOLDER / f"{version}.yml"
    if not re.fullmatch(r"[a-z]{2}-\d{4}\.\d{1,3}", version) or not path.is_file():
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.yml"))) or "none"
        raise ConfigError(f"no questionnaire {version!r}; there are: {known}")
    found = parse(path.read_bytes(), path.name)
    if found.version != version:
        raise ConfigError(f"{path.name}: version: {found.version} is not the file's name")
    return found
