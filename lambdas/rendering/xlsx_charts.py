"""Charts as DrawingML (ECMA-376 part 1, section 21.2), with the values that they show for previews."""

from collections.abc import Sequence
from dataclasses import dataclass

from rendering.charts import COLORS, lone_points
from rendering.model import ChartKind
from rendering.xlsx_cells import escape
from rendering.xlsx_package import RELATIONSHIPS

CHART_TYPE = "application/vnd.openxmlformats-officedocument.drawingml.chart+xml"
DRAWING_TYPE = "application/vnd.openxmlformats-officedocument.drawing+xml"
_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
_SPREADSHEET_DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"
_INK, _GRID = "5F6B7A", "D9DEE4"
_CATEGORY_AXIS, _VALUE_AXIS = 111111111, 222222222


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """One row of numbers. ``name_cell`` and ``cells`` are references with the sheet's name."""

    name: str
    name_cell: str
    cells: str
    values: Sequence[str | None]
    number_format: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartSpec:
    """A chart of texts and numbers that stand in cells."""

    kind: ChartKind
    title: str
    category_cells: str
    categories: Sequence[str]
    series: Sequence[Series]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a chart stands, in columns and rows from 0."""

    column: int
    row: int
    columns: int
    rows: int


def chart_xml(spec: ChartSpec) -> str:
    """The part of a chart."""
    title = (
        "<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr>"
        f'<a:defRPr sz="1400" b="1">{_solid("1F2933")}</a:defRPr></a:pPr><a:r>'
        f'<a:rPr lang="en" sz="1400" b="1">{_solid("1F2933")}</a:rPr><a:t>{escape(spec.title)}</a:t></a:r>'
        '</a:p></c:rich></c:tx><c:overlay val="0"/></c:title>'
    )
    legend = ""
    if len(spec.series) > 1 or spec.kind is ChartKind.PIE:
        place = "r" if spec.kind is ChartKind.PIE else "b"
        legend = f'<c:legend><c:legendPos val="{place}"/><c:overlay val="0"/>{_text(900)}</c:legend>'
    return (
        f'<c:chartSpace xmlns:c="{_CHART}" xmlns:a="{_DRAWING}" xmlns:r="{RELATIONSHIPS}">'
        f'<c:roundedCorners val="0"/><c:chart>{title}<c:autoTitleDeleted val="0"/>'
        f"<c:plotArea><c:layout/>{_plot(spec)}</c:plotArea>{legend}"
        '<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>'
        f'<c:spPr>{_solid("FFFFFF")}<a:ln w="9525">{_solid(_GRID)}</a:ln></c:spPr></c:chartSpace>'
    )


def drawing_xml(anchors: Sequence[Anchor], names: Sequence[str]) -> str:
    """The drawing that places charts; the chart of number n is its relationship ``rIdn``."""
    frames = "".join(
        _frame(anchor, name, number)
        for number, (anchor, name) in enumerate(zip(anchors, names, strict=True), 1)
    )
    return f'<xdr:wsDr xmlns:xdr="{_SPREADSHEET_DRAWING}" xmlns:a="{_DRAWING}">{frames}</xdr:wsDr>'


def _frame(anchor: Anchor, name: str, number: int) -> str:
    description = escape(name).replace('"', "&quot;")
    return (
        "<xdr:twoCellAnchor>"
        f"<xdr:from>{_place(anchor.column, anchor.row)}</xdr:from>"
        f"<xdr:to>{_place(anchor.column + anchor.columns, anchor.row + anchor.rows)}</xdr:to>"
        '<xdr:graphicFrame macro=""><xdr:nvGraphicFramePr>'
        f'<xdr:cNvPr id="{number + 1}" name="Chart {number}" descr="{description}"/><xdr:cNvGraphicFramePr/>'
        "</xdr:nvGraphicFramePr>"
        '<xdr:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/></xdr:xfrm>'
        f'<a:graphic><a:graphicData uri="{_CHART}"><c:chart xmlns:c="{_CHART}" xmlns:r="{RELATIONSHIPS}"'
        f' r:id="rId{number}"/></a:graphicData></a:graphic></xdr:graphicFrame><xdr:clientData/>'
        "</xdr:twoCellAnchor>"
    )


def _place(column: int, row: int) -> str:
    across = f"<xdr:col>{column}</xdr:col><xdr:colOff>0</xdr:colOff>"
    return f"{across}<xdr:row>{row}</xdr:row><xdr:rowOff>0</xdr:rowOff>"


def _plot(spec: ChartSpec) -> str:
    series = "".join(_series(spec, index) for index in range(len(spec.series)))
    axes = f'<c:axId val="{_CATEGORY_AXIS}"/><c:axId val="{_VALUE_AXIS}"/>'
    match spec.kind:
        case ChartKind.PIE:
            return f'<c:pieChart><c:varyColors val="1"/>{series}<c:firstSliceAng val="0"/></c:pieChart>'
        case ChartKind.LINE:
            return (
                f'<c:lineChart><c:grouping val="standard"/><c:varyColors val="0"/>{series}'
                f'<c:marker val="1"/>{axes}</c:lineChart>{_axes(spec)}'
            )
        case ChartKind.BAR:
            return (
                f'<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:varyColors val="0"/>'
                f'{series}<c:gapWidth val="60"/>{axes}</c:barChart>{_axes(spec)}'
            )


def _series(spec: ChartSpec, index: int) -> str:
    series = spec.series[index]
    name = (
        f'<c:tx><c:strRef><c:f>{escape(series.name_cell)}</c:f><c:strCache><c:ptCount val="1"/>'
        f'<c:pt idx="0"><c:v>{escape(series.name)}</c:v></c:pt></c:strCache></c:strRef></c:tx>'
    )
    color = COLORS[index % len(COLORS)]
    tail = ""
    match spec.kind:
        case ChartKind.LINE:
            look = f'<c:spPr><a:ln w="28575" cap="rnd">{_solid(color)}<a:round/></a:ln></c:spPr>'
            look += '<c:marker><c:symbol val="none"/></c:marker>'
            look += "".join(_point(number, color) for number in lone_points(series.values))
            tail = '<c:smooth val="0"/>'
        case ChartKind.BAR:
            look = f'<c:spPr>{_solid(color)}</c:spPr><c:invertIfNegative val="0"/>'
        case ChartKind.PIE:
            look = "".join(
                f'<c:dPt><c:idx val="{number}"/><c:bubble3D val="0"/>'
                f"<c:spPr>{_solid(COLORS[number % len(COLORS)])}"
                f'<a:ln w="9525">{_solid("FFFFFF")}</a:ln></c:spPr></c:dPt>'
                for number in range(len(spec.categories))
            )
            look += (
                '<c:dLbls><c:showLegendKey val="0"/><c:showVal val="0"/><c:showCatName val="0"/>'
                '<c:showSerName val="0"/><c:showPercent val="1"/><c:showBubbleSize val="0"/></c:dLbls>'
            )
    categories, values = _points(spec.categories), _points(series.values)
    return (
        f'<c:ser><c:idx val="{index}"/><c:order val="{index}"/>{name}{look}'
        f"<c:cat><c:strRef><c:f>{escape(spec.category_cells)}</c:f><c:strCache>"
        f'<c:ptCount val="{len(spec.categories)}"/>{categories}</c:strCache></c:strRef></c:cat>'
        f"<c:val><c:numRef><c:f>{escape(series.cells)}</c:f><c:numCache>"
        f"<c:formatCode>{escape(series.number_format)}</c:formatCode>"
        f'<c:ptCount val="{len(series.values)}"/>{values}</c:numCache></c:numRef></c:val>{tail}</c:ser>'
    )


def _point(number: int, color: str) -> str:
    """A single number of a line, with a mark (section 21.2.2.52)."""
    return (
        f'<c:dPt><c:idx val="{number}"/><c:marker><c:symbol val="circle"/><c:size val="5"/>'
        f'<c:spPr>{_solid(color)}</c:spPr></c:marker><c:bubble3D val="0"/></c:dPt>'
    )


def _points(values: Sequence[str | None]) -> str:
    return "".join(
        f'<c:pt idx="{number}"><c:v>{escape(text)}</c:v></c:pt>'
        for number, text in enumerate(values)
        if text is not None
    )


def _axes(spec: ChartSpec) -> str:
    number_format = escape(spec.series[0].number_format).replace('"', "&quot;")
    line = f'<c:spPr><a:ln w="9525">{_solid(_GRID)}</a:ln></c:spPr>'
    return (
        f'<c:catAx><c:axId val="{_CATEGORY_AXIS}"/><c:scaling><c:orientation val="minMax"/></c:scaling>'
        '<c:delete val="0"/><c:axPos val="b"/><c:numFmt formatCode="General" sourceLinked="0"/>'
        f'<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>'
        f"{line}{_text(900)}"
        f'<c:crossAx val="{_VALUE_AXIS}"/><c:crosses val="autoZero"/>'
        '<c:auto val="0"/><c:lblAlgn val="ctr"/>'
        '<c:lblOffset val="100"/><c:noMultiLvlLbl val="1"/></c:catAx>'
        f'<c:valAx><c:axId val="{_VALUE_AXIS}"/><c:scaling><c:orientation val="minMax"/></c:scaling>'
        f'<c:delete val="0"/><c:axPos val="l"/><c:majorGridlines>{line}</c:majorGridlines>'
        f'<c:numFmt formatCode="{number_format}" sourceLinked="0"/><c:majorTickMark val="none"/>'
        f'<c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>'
        f"<c:spPr><a:ln><a:noFill/></a:ln></c:spPr>{_text(900)}"
        f'<c:crossAx val="{_CATEGORY_AXIS}"/><c:crosses val="autoZero"/>'
        '<c:crossBetween val="between"/></c:valAx>'
    )


def _text(size: int) -> str:
    return (
        "<c:txPr><a:bodyPr/><a:p><a:pPr>"
        f'<a:defRPr sz="{size}">{_solid(_INK)}</a:defRPr></a:pPr><a:endParaRPr lang="en"/></a:p></c:txPr>'
    )


def _solid(color: str) -> str:
    return f'<a:solidFill><a:srgbClr val="{color}"/></a:solidFill>'
