"""Paper, type size and column widths of a PDF, fixed once from the header and the first rows."""

from collections.abc import Sequence
from dataclasses import dataclass

from rendering.model import Orientation, Page, PageSize

#: Width and height of the paper in points, upright (ISO 216 and ANSI).
_PAPER = {
    PageSize.A3: (841.89, 1190.55),
    PageSize.A4: (595.28, 841.89),
    PageSize.A5: (419.53, 595.28),
    PageSize.LETTER: (612.0, 792.0),
    PageSize.LEGAL: (612.0, 1008.0),
}
_MARGIN = 40.0
_POINTS_PER_MILLIMETRE = 72 / 25.4
PADDING_X = 4.0
#: A table that is too wide is set smaller in these steps; below the last it goes on in more blocks.
_FONT_SIZES = (8.5, 8.0, 7.5, 7.0, 6.5, 6.0)
#: How far a column may be spread beyond what it needs to fill the page.
_MAX_STRETCH = 2.5
#: The share of the page's width that the repeated first column, or a column of text, takes in a block.
_MAX_BLOCK_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """What a column needs in em: to be read well (``natural``), and at least (``minimum``).

    With ``widest`` none of its texts would be broken.
    """

    natural: float
    minimum: float
    widest: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Columns that stand side by side on one page, with their widths in points."""

    columns: tuple[int, ...]
    widths: tuple[float, ...]
    #: Whether its first column only repeats that of the first block.
    repeats: bool = False

    def is_repeated(self, column: int) -> bool:
        return self.repeats and column == self.columns[0]

    @property
    def own_columns(self) -> tuple[int, ...]:
        """The columns that no block before has."""
        return self.columns[1:] if self.repeats else self.columns


@dataclass(frozen=True, kw_only=True, slots=True)
class Geometry:
    """Everything that stays the same from the first page to the last. Lengths are in points."""

    width: float
    height: float
    margin: float
    font_size: float
    blocks: tuple[Block, ...]
    #: The width of each column's text, by index.
    text_widths: tuple[float, ...]

    def lefts(self) -> list[float]:
        """Where each column begins on its page, by index. The first one begins at the same place on each."""
        found: dict[int, float] = {}
        for block in self.blocks:
            left = self.margin
            for column, width in zip(block.columns, block.widths, strict=True):
                found[column] = left
                left += width
        return [found[index] for index in range(len(self.text_widths))]

    @property
    def content_width(self) -> float:
        return self.width - 2 * self.margin


def fit(measures: Sequence[Measure], *, page: Page) -> Geometry:
    """The geometry for columns of these measures.

    Orientation ``auto`` turns the paper when the columns don't fit upright. Then the type gets
    smaller, down to 6 points, and after that the columns go on in further blocks, each with the first
    column repeated.
    """
    margin = _MARGIN if page.margin is None else page.margin * _POINTS_PER_MILLIMETRE
    width, height = _paper(measures, page=page, margin=margin)
    available = width - 2 * margin
    for font_size in _FONT_SIZES:
        needs = [_points(measure, font_size=font_size) for measure in measures]
        if sum(minimum for _, minimum in needs) <= available:
            wanted = [measure.widest * font_size + 2 * PADDING_X for measure in measures]
            widths = _share(needs, wanted, available=available)
            blocks: list[Block] = [Block(columns=tuple(range(len(needs))), widths=tuple(widths))]
            break
    else:
        font_size = _FONT_SIZES[-1]
        blocks = _blocks([_points(m, font_size=font_size) for m in measures], available=available)
    text_widths = {
        column: column_width - 2 * PADDING_X
        for block in reversed(blocks)
        for column, column_width in zip(block.columns, block.widths, strict=True)
    }
    return Geometry(
        width=width,
        height=height,
        margin=margin,
        font_size=font_size,
        blocks=tuple(blocks),
        text_widths=tuple(text_widths[index] for index in range(len(measures))),
    )


def _paper(measures: Sequence[Measure], *, page: Page, margin: float) -> tuple[float, float]:
    short, long = _PAPER[page.size]
    if page.orientation is Orientation.AUTO:
        needed = sum(_points(measure, font_size=_FONT_SIZES[0])[0] for measure in measures)
        upright = needed <= short - 2 * margin
    else:
        upright = page.orientation is Orientation.PORTRAIT
    return (short, long) if upright else (long, short)


def _points(measure: Measure, *, font_size: float) -> tuple[float, float]:
    """Natural and minimum width with padding."""
    return measure.natural * font_size + 2 * PADDING_X, measure.minimum * font_size + 2 * PADDING_X


def _share(needs: Sequence[tuple[float, float]], wanted: Sequence[float], *, available: float) -> list[float]:
    """Widths that fill ``available``.

    With room to spare columns whose texts would be broken come first, up to what they want, and then every
    column gets more than it needs. Otherwise the widest ones are cut to one common width, none below its
    minimum, so that short columns stay as they are.
    """
    natural = sum(need for need, _ in needs)
    if natural > available:
        return _filled(needs, available=available)
    widths = [need for need, _ in needs]
    if sum(wanted) > available:
        return _filled(list(zip(wanted, widths, strict=True)), available=available)
    stretch = min(available / sum(wanted), _MAX_STRETCH)
    return [want * stretch for want in wanted]


def _filled(needs: Sequence[tuple[float, float]], *, available: float) -> list[float]:
    """The widths of columns cut to one common width, but for those whose minimum is above it."""
    low, high = 0.0, max(need for need, _ in needs)
    for _ in range(40):
        cap = (low + high) / 2
        if sum(max(least, min(need, cap)) for need, least in needs) <= available:
            low = cap
        else:
            high = cap
    return [max(least, min(need, low)) for need, least in needs]


def _blocks(needs: Sequence[tuple[float, float]], *, available: float) -> list[Block]:
    repeated = min(needs[0][0], available * _MAX_BLOCK_SHARE)
    rest = available - repeated
    blocks: list[Block] = []
    columns: list[int] = []
    widths: list[float] = []
    for index, (natural, minimum) in enumerate(needs[1:], 1):
        width = min(max(minimum, min(natural, rest * _MAX_BLOCK_SHARE)), rest)
        if columns and sum(widths) + width > rest:
            blocks.append(_block(columns, widths, repeated=repeated, rest=rest, repeats=bool(blocks)))
            columns, widths = [], []
        columns.append(index)
        widths.append(width)
    blocks.append(_block(columns, widths, repeated=repeated, rest=rest, repeats=bool(blocks)))
    return blocks


def _block(
    columns: Sequence[int], widths: Sequence[float], *, repeated: float, rest: float, repeats: bool
) -> Block:
    # The first column is as wide in each block, since its text is broken once for all.
    stretch = min(rest / sum(widths), _MAX_STRETCH) if widths else 1.0
    return Block(
        columns=(0, *columns), widths=(repeated, *(width * stretch for width in widths)), repeats=repeats
    )
