"""Where the real registries, preference sets and recorded cases lie: beside the checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

REPOSITORY: Final = Path(__file__).resolve().parent.parent
SHARED: Final = REPOSITORY.parent / "shared"
GPII_DATA: Final = SHARED / "gpii-data"
CASES: Final = SHARED / "cases"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(),
    reason="the real GPII data and cases (a folder named shared beside the checkout) are not here",
)
