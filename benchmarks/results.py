"""RESULTS.md, of which each run replaces its own section."""

import re
from collections.abc import Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
RESULTS = FOLDER / "RESULTS.md"


def write_section(title: str, lines: Sequence[str], *, file: Path = RESULTS) -> None:
    """Put ``lines`` below the heading ``# title`` in place of what stands there, or at the end."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    sections = re.split(r"^(?=# )", text, flags=re.MULTILINE)
    heading = f"# {title}\n"
    new = heading + "\n" + "\n".join(lines) + "\n"
    others = [section.rstrip("\n") + "\n" for section in sections if section.strip()]
    places = [number for number, section in enumerate(others) if section.startswith(heading)]
    if places:
        others[places[0]] = new
    else:
        others.append(new)
    file.write_text("\n".join(others), encoding="utf-8")
