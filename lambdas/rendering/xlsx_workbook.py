"""The workbook and what belongs to all of its sheets (ECMA-376 part 1, sections 18.2 and 22.2)."""

from dataclasses import dataclass
from datetime import datetime

from rendering.model import ByteSink
from rendering.shared_strings import SharedStrings
from rendering.xlsx_cells import escape, escape_attribute
from rendering.xlsx_package import MAIN, RELATIONSHIPS, Package, Part, Relationship
from rendering.xlsx_styles import StyleSheet
from rendering.xlsx_theme import THEME_TYPE, theme_xml

_SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"
SHEET_TYPE = f"{_SPREADSHEET}.worksheet+xml"
TABLE_TYPE = f"{_SPREADSHEET}.table+xml"
_CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
_EXTENDED = "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"


@dataclass(slots=True)
class SheetEntry:
    """A sheet as the workbook lists it. References are such as ``$A$1:$C$9``, ``None`` for none."""

    name: str
    part: str
    filter: str | None = None
    printed_titles: str | None = None

    @property
    def quoted(self) -> str:
        """The name as formulas have it (section 18.17.2.2)."""
        return quoted_name(self.name)


def quoted_name(name: str) -> str:
    """A sheet's name for a reference."""
    return "'" + name.replace("'", "''") + "'"


class Workbook:
    """Sheets in order, with styles and shared texts that all of them use."""

    def __init__(self, sink: ByteSink, *, created_at: datetime, title: str, language: str) -> None:
        self.package = Package(sink, created_at=created_at)
        self.styles = StyleSheet()
        self.shared_strings = SharedStrings()
        self.sheets: list[SheetEntry] = []
        self._created_at = created_at
        self._title = title
        self._language = language

    def open_sheet(self, name: str) -> tuple[SheetEntry, Part]:
        """Begin the next sheet's part."""
        entry = SheetEntry(name, f"/xl/worksheets/sheet{len(self.sheets) + 1}.xml")
        self.sheets.append(entry)
        return entry, self.package.open(entry.part, SHEET_TYPE)

    def end(self) -> None:
        """Write the parts that are left. The last sheet has to be closed."""
        write = self.package.write
        write("/xl/theme/theme1.xml", THEME_TYPE, theme_xml())
        write("/xl/styles.xml", f"{_SPREADSHEET}.styles+xml", self.styles.xml())
        relationships = [Relationship("worksheet", entry.part) for entry in self.sheets]
        relationships.append(Relationship("theme", "/xl/theme/theme1.xml"))
        relationships.append(Relationship("styles", "/xl/styles.xml"))
        if self.shared_strings.numbers:
            write("/xl/sharedStrings.xml", f"{_SPREADSHEET}.sharedStrings+xml", self._shared_strings())
            relationships.append(Relationship("sharedStrings", "/xl/sharedStrings.xml"))
        write("/xl/workbook.xml", f"{_SPREADSHEET}.sheet.main+xml", self._workbook())
        self.package.relate("/xl/workbook.xml", relationships)
        write(
            "/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml", self._core()
        )
        write(
            "/docProps/app.xml",
            "application/vnd.openxmlformats-officedocument.extended-properties+xml",
            f'<Properties xmlns="{_EXTENDED}"><Application>Prensa</Application></Properties>',
        )
        self.package.relate(
            "/",
            [
                Relationship("officeDocument", "/xl/workbook.xml"),
                Relationship(
                    "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties",
                    "/docProps/core.xml",
                ),
                Relationship("extended-properties", "/docProps/app.xml"),
            ],
        )
        self.package.end()

    def _workbook(self) -> str:
        sheets = "".join(
            f'<sheet name="{escape_attribute(entry.name)}" sheetId="{number}" r:id="rId{number}"/>'
            for number, entry in enumerate(self.sheets, 1)
        )
        names = "".join(
            f'<definedName name="_xlnm.{name}" localSheetId="{index}"{hidden}>'
            f"{escape(entry.quoted)}!{reference}</definedName>"
            for name, hidden, references in (
                ("_FilterDatabase", ' hidden="1"', [entry.filter for entry in self.sheets]),
                ("Print_Titles", "", [entry.printed_titles for entry in self.sheets]),
            )
            for index, (entry, reference) in enumerate(zip(self.sheets, references, strict=True))
            if reference is not None
        )
        return (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONSHIPS}"><workbookPr/>'
            f'<bookViews><workbookView activeTab="0"/></bookViews><sheets>{sheets}</sheets>'
            + (f"<definedNames>{names}</definedNames>" if names else "")
            + '<calcPr calcId="191029"/></workbook>'
        )

    def _shared_strings(self) -> str:
        texts = "".join(f"<si><t>{escape(text)}</t></si>" for text in self.shared_strings.numbers)
        return f'<sst xmlns="{MAIN}" uniqueCount="{len(self.shared_strings.numbers)}">{texts}</sst>'

    def _core(self) -> str:
        moment = self._created_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return (
            f'<cp:coreProperties xmlns:cp="{_CORE}" xmlns:dc="http://purl.org/dc/elements/1.1/"'
            ' xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"<dc:title>{escape(self._title)}</dc:title><dc:creator>Prensa</dc:creator>"
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{moment}</dcterms:created>'
            f'<dcterms:modified xsi:type="dcterms:W3CDTF">{moment}</dcterms:modified>'
            f"<dc:language>{escape(self._language)}</dc:language></cp:coreProperties>"
        )
