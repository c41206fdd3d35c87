"""The ontology that ships with the package: terms with their schemas, and where they stand.

`keyin/data/ontology/gpii.toml` is a table of facts; here it becomes conversions and schemas.
"""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import msgspec

from keyin.domain import elpath
from keyin.domain.conversion import Applications, Conversion, Pair
from keyin.domain.ontologies import APPTOLOGY, FLAT, ISO, Ontologies
from keyin.domain.ontology import COMMON

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FILE: Final = files("keyin.data").joinpath("ontology", "gpii.toml")


class Ontology(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says."""

    ontologies: Ontologies
    schemas: Mapping[str, Mapping[str, Any]]
    """What a common term's value must be (JSON Schema), by its URI."""


def read_ontology() -> Ontology:
    """Read the package's file."""
    facts = tomllib.loads(FILE.read_text(encoding="utf-8"))
    iso = [Pair(_path(term), place) for term, place in facts[ISO].items()]
    types = [
        Pair(_path(term), _path(type_))
        for type_, terms in facts[APPTOLOGY].items()
        for term in terms
    ]
    conversions = {
        (FLAT, ISO): Conversion(iso, Applications.NESTED),
        (ISO, FLAT): Conversion(_turned(iso), Applications.NAMED),
        (FLAT, APPTOLOGY): Conversion(types, Applications.LOST),
        (APPTOLOGY, FLAT): Conversion(_turned(types), Applications.LOST),
    }
    return Ontology(
        ontologies=Ontologies(conversions),
        schemas={COMMON + term: schema for term, schema in facts["terms"].items()},
    )


def _path(term: str) -> str:
    return elpath.compose([COMMON + term])


def _turned(pairs: Iterable[Pair]) -> list[Pair]:
    return [Pair(pair.target, pair.source) for pair in pairs]
