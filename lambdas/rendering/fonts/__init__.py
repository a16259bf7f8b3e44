"""The fonts that every PDF embeds: DejaVu Sans Condensed, whose licence is beside them.

They have Latin, Greek, Cyrillic, Arabic and Hebrew letters, currency signs and mathematical signs; no
Chinese, Japanese or Korean, no Indic scripts and no emoji.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile


class Weight(StrEnum):
    REGULAR = "DejaVuSansCondensed"
    BOLD = "DejaVuSansCondensed-Bold"


@cache
def load(weight: Weight) -> TTFontFile:
    """The parsed font file, kept for the life of the process."""
    return TTFontFile(str(Path(__file__).parent / f"{weight}.ttf"))
