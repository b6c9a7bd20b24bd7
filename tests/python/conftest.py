# SPDX-License-Identifier: MIT
"""Makes the suite run from any folder and with nothing installed."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [
    str(ROOT / "python_export"),
    str(ROOT / "tests" / "tools"),
    str(ROOT / "examples" / "demo"),
]
