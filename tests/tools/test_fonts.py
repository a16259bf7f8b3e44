"""The fonts that are shipped are those that the list names, each with its licence."""

import hashlib

import pytest

from rendering.fonts import Face, path
from tools.fonts import FOLDER, FONTS, Font


@pytest.mark.parametrize("font", FONTS, ids=lambda font: font.file)
def test_a_font_is_the_one_of_its_package_and_has_its_licence(font: Font) -> None:
    assert hashlib.sha256((FOLDER / font.file).read_bytes()).hexdigest() == font.sha256
    assert "icense" in (FOLDER / font.licence).read_text()


def test_every_font_of_a_pdf_comes_from_a_package() -> None:
    assert {path(face).name for face in Face} == {font.file for font in FONTS}
    assert {file.name for file in FOLDER.glob("*.ttf")} == {font.file for font in FONTS}
