"""Images that a report's owner ships, as XObjects (ISO 32000-1, section 8.9)."""

import io
from dataclasses import dataclass

from rendering.errors import RenderError
from rendering.pdf_file import PdfFile

#: A logo of more pixels than these is drawn far smaller than it is, and would take memory to open.
_MOST_PIXELS = 16_000_000
#: A camera's note of how the picture is to be turned (Exif 2.32, section 4.6.4).
_ORIENTATION, _UPRIGHT = 0x0112, 1


@dataclass(frozen=True, slots=True)
class PdfImage:
    """An image that has been written. ``number`` is its object, width and height are in pixels."""

    number: int
    width: int
    height: int


def add_image(pdf: PdfFile, data: bytes) -> PdfImage:
    """Write a PNG or JPEG file as an image.

    Raises :class:`RenderError` for anything else, for a broken file, and for more than 16 million pixels.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - few reports have an image

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as image:
            width, height = image.size
            if width * height > _MOST_PIXELS:
                raise RenderError(
                    f"the logo has {width} x {height} pixels; at most {_MOST_PIXELS:,} are allowed"
                )
            turned = image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT
            entries = _entries(width, height)
            if image.format == "JPEG" and image.mode in ("RGB", "L") and not turned:
                space = "/DeviceGray" if image.mode == "L" else "/DeviceRGB"
                image.load()
                number = pdf.add_raw_stream(data, entries=f"{entries} /ColorSpace {space} /Filter /DCTDecode")
                return PdfImage(number, width, height)
            upright = ImageOps.exif_transpose(image) if turned else image
            if upright.mode.startswith("I"):
                # Greys of 16 bits, of which a conversion would keep the lower ones.
                upright = upright.convert("I").point(lambda grey: grey / 256).convert("L")
            opaque = upright.convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise RenderError(f"the logo is no PNG or JPEG file that can be read: {error}") from error
    width, height = opaque.size
    entries = _entries(width, height)
    mask = pdf.add_stream(opaque.getchannel("A").tobytes(), entries=f"{entries} /ColorSpace /DeviceGray")
    number = pdf.add_stream(
        opaque.convert("RGB").tobytes(), entries=f"{entries} /ColorSpace /DeviceRGB /SMask {mask} 0 R"
    )
    return PdfImage(number, width, height)


def _entries(width: int, height: int) -> str:
    return f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8"
