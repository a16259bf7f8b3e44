"""Fetches the fonts of PDFs from the packages they come from, as they are: nothing is cut out of them.

`python -m tools.fonts` writes lambdas/rendering/fonts again, with apt-get and npm. A test compares what is
there with the sums below. The whole of each font is kept; a PDF gets only the glyphs that it shows.
"""

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "lambdas" / "rendering" / "fonts"


@dataclass(frozen=True, kw_only=True, slots=True)
class Font:
    """A font file, the package it is in and where it is there. ``licence`` is the file beside the font."""

    file: str
    package: str
    path: str
    sha256: str
    licence: str

    @property
    def is_npm(self) -> bool:
        return self.package.startswith("@")


_DEJAVU = "usr/share/fonts/truetype/dejavu"
FONTS = (
    Font(
        file="DejaVuSansCondensed.ttf",
        package="fonts-dejavu-extra=2.37-6",
        path=f"{_DEJAVU}/DejaVuSansCondensed.ttf",
        sha256="2d8aa290adcf1ebcbb35f63e57cf32941b012eaab4b65096b904112cf3bac972",
        licence="DejaVu-LICENSE.txt",
    ),
    Font(
        file="DejaVuSansCondensed-Bold.ttf",
        package="fonts-dejavu-extra=2.37-6",
        path=f"{_DEJAVU}/DejaVuSansCondensed-Bold.ttf",
        sha256="6d2f2481e2aae944e8411cc5be515c69503ff7f5db52f2c67bcbe5d4de6bec13",
        licence="DejaVu-LICENSE.txt",
    ),
    Font(
        file="DroidSansFallbackFull.ttf",
        package="fonts-droid-fallback=1:6.0.1r16-1.1",
        path="usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf",
        sha256="acb6440a713d880a13a21b468ba7cd43f5a2b2934972e51be791c880730777b8",
        licence="DroidSansFallback-LICENSE.txt",
    ),
    Font(
        file="NanumGothic.ttf",
        package="fonts-nanum=20200506-1",
        path="usr/share/fonts/truetype/nanum/NanumGothic.ttf",
        sha256="48a28e97b34fc8e5b157657633670cd1b7de126cfc414da65ce9c3d5bc8be733",
        licence="NanumGothic-LICENSE.txt",
    ),
    Font(
        file="NotoEmoji.ttf",
        package="@expo-google-fonts/noto-emoji@0.4.7",
        path="package/400Regular/NotoEmoji_400Regular.ttf",
        sha256="24aaa2a20c9c06ffe9bf04284bfd1f14376a329d10122f902abe2770817eb504",
        licence="NotoEmoji-LICENSE.txt",
    ),
)


def fetched(font: Font, folder: Path) -> bytes:
    """The font's file out of its package, which is unpacked in the empty ``folder``.

    Raises :class:`ValueError` for a file that is not the one that is known.
    """
    get = ["npm", "pack", font.package] if font.is_npm else ["apt-get", "download", font.package]
    subprocess.run(get, cwd=folder, check=True, capture_output=True)
    [package] = folder.iterdir()
    unpack = ["tar", "xzf", package.name] if font.is_npm else ["dpkg-deb", "-x", package.name, "."]
    subprocess.run(unpack, cwd=folder, check=True)
    data = (folder / font.path).read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != font.sha256:
        raise ValueError(f"{font.package}: {font.path} has the SHA-256 {found}, expected {font.sha256}")
    return data


def main() -> None:
    for font in FONTS:
        with tempfile.TemporaryDirectory() as folder:
            (FOLDER / font.file).write_bytes(fetched(font, Path(folder)))
        sys.stdout.write(f"{font.file} from {font.package}\n")


if __name__ == "__main__":
    main()
