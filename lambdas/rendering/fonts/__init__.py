"""The fonts of PDFs, each with its licence beside it.

DejaVu Sans Condensed has Latin, Greek, Cyrillic, Arabic and Hebrew letters, currency and mathematical
signs. What it lacks is looked for in Droid Sans Fallback (Chinese, Japanese), Nanum Gothic (Korean) and Noto
Emoji, which are opened only then. There are no Indic scripts.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path

from reportlab.pdfbase.ttfonts import TTFontFile


class Face(StrEnum):
    REGULAR = "DejaVuSansCondensed"
    BOLD = "DejaVuSansCondensed-Bold"
    CHINESE = "DroidSansFallbackFull"
    KOREAN = "NanumGothic"
    EMOJI = "NotoEmoji"


#: Where characters are looked for that the main font does not have, in this order.
FALLBACKS = (Face.CHINESE, Face.KOREAN, Face.EMOJI)


def path(face: Face) -> Path:
    return Path(__file__).parent / f"{face}.ttf"


@cache
def load(face: Face) -> TTFontFile:
    """The parsed font file, kept for the life of the process."""
    return TTFontFile(str(path(face)))
