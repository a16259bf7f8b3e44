"""Metadata of a PDF as XMP (ISO 16684-1), which says the same as the information dictionary."""

from datetime import UTC, datetime
from xml.sax.saxutils import escape

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>Prensa</xmp:CreatorTool>
<xmp:CreateDate>{created}</xmp:CreateDate>
<xmp:ModifyDate>{created}</xmp:ModifyDate>
<pdf:Producer>Prensa</pdf:Producer>{part}
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def xmp(*, title: str, language: str, created: datetime, tagged: bool) -> bytes:
    """The packet; ``created`` has an offset.

    A tagged document says that it is made to part 1 of PDF/UA (ISO 14289-1, section 5).
    """
    return _PACKET.format(
        title=escape(title),
        language=escape(language),
        created=f"{created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        part="\n<pdfuaid:part>1</pdfuaid:part>" if tagged else "",
    ).encode()
