"""Texts that many cells have, written once (ECMA-376 part 1, section 18.4).

The table is bounded, so that memory stays level: texts beyond it, and long ones, stand in their cells.
"""

from collections.abc import Sequence

#: At most 10,000 texts of 100 bytes.
MOST_SHARED = 10_000
LONGEST_SHARED = 100


def worth_sharing(texts: Sequence[object]) -> bool:
    """Whether a column that begins like this repeats its texts: at least half of them have come before."""
    present = [text for text in texts if text is not None]
    return len(set(present)) * 2 <= len(present)


class SharedStrings:
    """Gives out numbers in order of appearance. ``numbers`` is filled by the native encoder as well."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, text: str) -> int | None:
        """The number of ``text``; ``None`` when it has to stand in its cell."""
        found = self.numbers.get(text)
        if found is not None:
            return found
        if len(self.numbers) >= MOST_SHARED or not text or len(text.encode()) > LONGEST_SHARED:
            return None
        self.numbers[text] = number = len(self.numbers)
        return number
