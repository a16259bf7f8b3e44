"""Charts on a page: bars, lines and pies of the numbers that a report has gathered."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from rendering.charts import COLORS, ChartPoints, lone_points
from rendering.convert import duration_text
from rendering.layout import ReportLayout
from rendering.model import ChartKind, ColumnType, Total
from rendering.pdf_page import MUTED, SLOPE, STRONG_RULE, PageContent
from rendering.pdf_rows import INK
from rendering.pdf_text import drawable
from rendering.pdf_typeset import Typesetter
from rendering.rows import Cell

#: Operands of ``rg``.
_COLORS = tuple(
    " ".join(f"{int(color[index : index + 2], 16) / 255:.3f}" for index in (0, 2, 4)) for color in COLORS
)
#: What stands for all other categories.
_REST_COLOR = "0.70 0.73 0.77"
_GRID, _AXIS = "0.85 0.87 0.90", STRONG_RULE
_TITLE_SIZE, _TEXT_SIZE = 12.0, 7.5
_TICKS = 5
_POINT = 4.0
_LEGEND_LINE, _LEGEND_SIZE = 13.0, 8.0
_LONGEST_LABEL = 24
#: Doubles beyond these leave no room to reckon with; no paper shows the difference.
_LARGEST, _SMALLEST = 1e300, 1e-300
#: How many numbers of a series are read out.
_MOST_READ = 24


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of a page: left, bottom, width, height in points."""

    left: float
    bottom: float
    width: float
    height: float


class ChartDrawer:
    """Draws charts of one report."""

    def __init__(self, *, layout: ReportLayout, regular: Typesetter, bold: Typesetter) -> None:
        self._layout = layout
        self._regular = regular
        self._bold = bold

    def draw(self, points: ChartPoints, page: PageContent, area: Area) -> str:
        """Draw one chart into ``area``; gives what it shows in words."""
        top = area.bottom + area.height
        title = self._clipped(points.chart.title, setter=self._bold, limit=area.width / _TITLE_SIZE)
        page.text(title, x=area.left, y=top - _TITLE_SIZE, size=_TITLE_SIZE, setter=self._bold, color=INK)
        labels = [drawable(label).replace("\n", " ") for label in self._layout.category_labels(points)]
        series = [[_number(value) for value in values] for values in points.series]
        body = Area(area.left, area.bottom, area.width, area.height - 2.2 * _TITLE_SIZE)
        if not labels:
            page.text(
                self._layout.labels.no_data, x=body.left, y=top - 3 * _TITLE_SIZE, size=8.5,
                setter=self._regular, color=MUTED,
            )  # fmt: skip
        elif points.chart.kind is ChartKind.PIE:
            self._pie(page, body, labels, series[0], points)
        else:
            self._axes_chart(page, body, labels, series, points)
        return self._in_words(points, labels)

    def _in_words(self, points: ChartPoints, labels: Sequence[str]) -> str:
        """The title, and of each series its first numbers."""
        parts = [points.chart.title]
        for index, values in zip(points.values, points.series, strict=True):
            show = self._layout.total_formats[index].text
            shown = [f"{label} {show(value) or '–'}" for label, value in zip(labels, values, strict=True)]
            more = ["…"] if len(shown) > _MOST_READ else []
            parts.append(f"{self._layout.headers[index]}: {', '.join([*shown[:_MOST_READ], *more])}")
        return ". ".join(parts)

    # Bars and lines

    def _axes_chart(
        self,
        page: PageContent,
        area: Area,
        labels: Sequence[str],
        series: Sequence[Sequence[float | None]],
        points: ChartPoints,
    ) -> None:
        numbers = [value for values in series for value in values if value is not None] or [0.0]
        ticks = nice_ticks(min(0.0, *numbers), max(0.0, *numbers))
        texts = [self._tick(tick, points.values[0]) for tick in ticks]
        widest = max(self._regular.width(text) for text in texts) * _TEXT_SIZE
        bottom = area.bottom
        if len(series) > 1:
            self._legend(page, area, [self._layout.headers[index] for index in points.values])
            bottom += _LEGEND_LINE + 4
        left = area.left + widest + 6
        width = area.left + area.width - left
        every, turned = self._spacing(labels, width / len(labels))
        depth = _TEXT_SIZE
        if turned:
            depth = max(self._regular.width(_short(label)) for label in labels[::every]) * _TEXT_SIZE * 0.75
            # The first labels may not begin before the chart does.
            left = max(left, area.left + self._overhang(labels, every, width / len(labels)))
            width = area.left + area.width - left
        step = width / len(labels)
        base = bottom + depth + 8
        plot = Area(left, base, width, area.bottom + area.height - base - 4)
        low, high = ticks[0], ticks[-1]

        def y(value: float) -> float:
            return plot.bottom + (value - low) / (high - low) * plot.height

        for tick, text in zip(ticks, texts, strict=True):
            color = _AXIS if tick == 0 else _GRID
            right = plot.left + plot.width
            page.draw(f"{color} RG 0.5 w {plot.left:.2f} {y(tick):.2f} m {right:.2f} {y(tick):.2f} l S")
            x = plot.left - 5 - self._regular.width(text) * _TEXT_SIZE
            page.text(text, x=x, y=y(tick) - 2.5, size=_TEXT_SIZE, setter=self._regular, color=MUTED)
        if points.chart.kind is ChartKind.BAR:
            self._bars(page, plot, series, y)
        else:
            self._lines(page, plot, series, y)
        for index in range(0, len(labels), every):
            label, middle = _short(labels[index]), plot.left + (index + 0.5) * step
            under = plot.bottom - 4 - _TEXT_SIZE
            if turned:
                page.turned_text(
                    label, x=middle + 3, y=under + 4, size=_TEXT_SIZE, setter=self._regular, color=MUTED
                )
            else:
                x = middle - self._regular.width(label) * _TEXT_SIZE / 2
                page.text(label, x=x, y=under, size=_TEXT_SIZE, setter=self._regular, color=MUTED)

    def _spacing(self, labels: Sequence[str], step: float) -> tuple[int, bool]:
        """Each how manieth label there is room for, and whether they are turned."""
        widest = max(self._regular.width(_short(label)) for label in labels) * _TEXT_SIZE + 6
        if widest <= step:
            return 1, False
        return max(1, math.ceil(_TEXT_SIZE * 1.5 / step)), True

    def _tick(self, tick: float, index: int) -> str:
        """A number of the axis in the format of column ``index``."""
        column = self._layout.columns[index]
        is_duration = column.type is ColumnType.DURATION and column.total is not Total.COUNT
        text = drawable(self._layout.total_formats[index].text(_cell(tick, is_duration=is_duration)))
        return text if len(text) <= _LONGEST_LABEL else f"{tick:.3g}"

    def _overhang(self, labels: Sequence[str], every: int, step: float) -> float:
        """How far turned labels reach to the left of the axis."""
        return max(
            self._regular.width(_short(labels[index])) * _TEXT_SIZE * SLOPE - (index + 0.5) * step
            for index in range(0, len(labels), every)
        )

    def _bars(
        self,
        page: PageContent,
        plot: Area,
        series: Sequence[Sequence[float | None]],
        y: Callable[[float], float],
    ) -> None:
        step = plot.width / len(series[0])
        width = min(step * 0.72 / len(series), 46.0)
        for position, values in enumerate(series):
            for index, value in enumerate(values):
                if value is None:
                    continue
                middle = plot.left + (index + 0.5) * step
                x = middle + (position - len(series) / 2) * width
                low, high = sorted((y(0.0), y(value)))
                page.fill(_color(position), x=x, y=low, width=width * 0.94, height=high - low)

    def _lines(
        self,
        page: PageContent,
        plot: Area,
        series: Sequence[Sequence[float | None]],
        y: Callable[[float], float],
    ) -> None:
        step = plot.width / len(series[0])
        for position, values in enumerate(series):
            operators: list[str] = []
            begun = False
            for index, value in enumerate(values):
                if value is None:
                    begun = False
                    continue
                operator = "l" if begun else "m"
                operators.append(f"{plot.left + (index + 0.5) * step:.2f} {y(value):.2f} {operator}")
                begun = True
            page.draw(f"{_color(position)} RG 1.6 w 1 j 1 J {' '.join(operators)} S 0 j 0 J")
            for index in lone_points(values):
                x = plot.left + (index + 0.5) * step
                low = y(values[index] or 0.0) - _POINT / 2
                page.fill(_color(position), x=x - _POINT / 2, y=low, width=_POINT, height=_POINT)

    # Pies

    def _pie(
        self,
        page: PageContent,
        area: Area,
        labels: Sequence[str],
        values: Sequence[float | None],
        points: ChartPoints,
    ) -> None:
        sizes = [max(value or 0.0, 0.0) for value in values]
        total = sum(sizes)
        radius = min(area.height, area.width * 0.5) / 2 - 4
        x, y = area.left + radius + 4, area.bottom + area.height / 2
        angle = math.pi / 2
        colors = [_color(index) for index in range(len(sizes))]
        if points.has_rest:
            colors[-1] = _REST_COLOR
        for color, size in zip(colors, sizes, strict=True):
            if total <= 0 or size <= 0:
                continue
            sweep = size / total * 2 * math.pi
            page.draw(f"{color} rg 1 1 1 RG 0.8 w {_slice(x, y, radius, angle, sweep)} b")
            angle -= sweep
        point = self._layout.formatter.decimal_point
        shares = [f"{size / total:.1%}".replace(".", point) if total > 0 else "–" for size in sizes]
        shown = self._layout.total_formats[points.values[0]]
        amounts = [drawable(shown.text(value)) for value in points.series[0]]
        left = x + radius + 24
        self._pie_legend(page, left, y, area.left + area.width - left, (colors, labels, shares, amounts))

    def _pie_legend(
        self, page: PageContent, left: float, middle: float, width: float, columns: Sequence[Sequence[str]]
    ) -> None:
        """Colour, name, share and amount of each slice, one below the other."""
        colors, labels, shares, amounts = columns
        wide = [max(map(self._regular.width, texts)) * _LEGEND_SIZE + 14 for texts in (shares, amounts)]
        room = width - 12 - sum(wide)
        names = [self._clipped(label, setter=self._regular, limit=room / _LEGEND_SIZE) for label in labels]
        right = left + 12 + max(map(self._regular.width, names)) * _LEGEND_SIZE
        top = middle + len(labels) * _LEGEND_LINE / 2
        for index, color in enumerate(colors):
            place = top - (index + 1) * _LEGEND_LINE
            page.fill(color, x=left, y=place, width=7, height=7)
            for text, end, before in (
                (names[index], left + 12, 0),
                (shares[index], right + wide[0], 1),
                (amounts[index], right + sum(wide), 1),
            ):
                x = end - before * self._regular.width(text) * _LEGEND_SIZE
                page.text(text, x=x, y=place + 1, size=_LEGEND_SIZE, setter=self._regular, color=INK)

    def _legend(self, page: PageContent, area: Area, names: Sequence[str]) -> None:
        x = area.left
        for index, name in enumerate(names):
            text = self._clipped(name, setter=self._regular, limit=area.width / len(names) / 8 - 3)
            page.fill(_color(index), x=x, y=area.bottom + 2, width=7, height=7)
            page.text(text, x=x + 11, y=area.bottom + 3, size=8, setter=self._regular, color=INK)
            x += 11 + self._regular.width(text) * 8 + 18

    def _clipped(self, text: str, *, setter: Typesetter, limit: float) -> str:
        text = drawable(text).replace("\n", " ")
        if setter.width(text) <= limit:
            return text
        while text and setter.width(f"{text}…") > limit:
            text = text[:-1]
        return f"{text}…"


def nice_ticks(low: float, high: float) -> list[float]:
    """Round numbers from at most ``low`` to at least ``high``, about five steps apart."""
    if high <= low:
        high = low + 1
    raw = (high - low) / _TICKS
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, max(last, first + 1) + 1)]


def _color(index: int) -> str:
    return _COLORS[index % len(_COLORS)]


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else f"{label[: _LONGEST_LABEL - 1]}…"


def _number(value: Cell) -> float | None:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if value is None or isinstance(value, str):
        return None
    # An integer too large for a double raises, a decimal is infinite.
    number = float(Decimal(value))  # type: ignore[arg-type]
    return min(max(number, -_LARGEST), _LARGEST) if abs(number) >= _SMALLEST else 0.0


def _cell(tick: float, *, is_duration: bool) -> Cell:
    """A tick as a cell of the column, so that it is shown in its format."""
    if is_duration:
        try:
            return timedelta(seconds=tick)
        except OverflowError:
            return duration_text(round(tick) * 1_000_000)
    rounded = float(f"{tick:.10g}")
    return int(rounded) if rounded.is_integer() else rounded


def _slice(x: float, y: float, radius: float, angle: float, sweep: float) -> str:
    """The path of a slice that begins at ``angle`` and goes clockwise, of curves of at most 90 degrees."""
    pieces = max(1, math.ceil(sweep / (math.pi / 2)))
    part = sweep / pieces
    handle = 4 / 3 * math.tan(part / 4) * radius
    path = [f"{x:.2f} {y:.2f} m", f"{x + radius * math.cos(angle):.2f} {y + radius * math.sin(angle):.2f} l"]
    for _ in range(pieces):
        end = angle - part
        c1 = (
            x + radius * math.cos(angle) + handle * math.sin(angle),
            y + radius * math.sin(angle) - handle * math.cos(angle),
        )
        c2 = (
            x + radius * math.cos(end) - handle * math.sin(end),
            y + radius * math.sin(end) + handle * math.cos(end),
        )
        path.append(
            f"{c1[0]:.2f} {c1[1]:.2f} {c2[0]:.2f} {c2[1]:.2f}"
            f" {x + radius * math.cos(end):.2f} {y + radius * math.sin(end):.2f} c"
        )
        angle = end
    return " ".join(path)
