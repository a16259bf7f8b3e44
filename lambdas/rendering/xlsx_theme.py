"""The theme of a workbook (ECMA-376 part 1, section 20.1.6.9): what a program offers beside our own looks.

Our styles name their fonts and colours themselves; programs still expect the part.
"""

_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
THEME_TYPE = "application/vnd.openxmlformats-officedocument.theme+xml"
_COLORS = (
    ("dk1", "000000"), ("lt1", "FFFFFF"), ("dk2", "1F2933"), ("lt2", "E4E9F0"), ("accent1", "2F6DB5"),
    ("accent2", "E07B39"), ("accent3", "3A9B6F"), ("accent4", "C0453F"), ("accent5", "7D62B3"),
    ("accent6", "8A6A4B"), ("hlink", "0563C1"), ("folHlink", "7D62B3"),
)  # fmt: skip
_FILL = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'
_LINE = f'<a:ln w="9525">{_FILL}</a:ln>'
_EFFECT = "<a:effectStyle><a:effectLst/></a:effectStyle>"


def theme_xml() -> str:
    """The part: colours, one font for headings and text, and the plainest of formats."""
    colors = "".join(f'<a:{name}><a:srgbClr val="{color}"/></a:{name}>' for name, color in _COLORS)
    font = '<a:latin typeface="Calibri"/><a:ea typeface=""/><a:cs typeface=""/>'
    return (
        f'<a:theme xmlns:a="{_DRAWING}" name="Prensa"><a:themeElements>'
        f'<a:clrScheme name="Prensa">{colors}</a:clrScheme>'
        f'<a:fontScheme name="Prensa"><a:majorFont>{font}</a:majorFont><a:minorFont>{font}</a:minorFont>'
        "</a:fontScheme>"
        f'<a:fmtScheme name="Prensa"><a:fillStyleLst>{_FILL * 3}</a:fillStyleLst>'
        f"<a:lnStyleLst>{_LINE * 3}</a:lnStyleLst><a:effectStyleLst>{_EFFECT * 3}</a:effectStyleLst>"
        f"<a:bgFillStyleLst>{_FILL * 3}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>"
    )
