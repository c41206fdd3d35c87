"""Rules that turn one JSON document into another, and back (local-flow §4).

`transform` runs a rules document, `input_paths` says what it may read, `invert` makes the rules
that go the other way. Broken rules raise `InvalidDocument`; odd input yields nothing.
"""

from keyin.domain.transforms.engine import transform
from keyin.domain.transforms.inverse import invert
from keyin.domain.transforms.reading import input_paths

__all__ = ["input_paths", "invert", "transform"]
