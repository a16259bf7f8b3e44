"""``make gallery``: six reports, of several kinds and every script, as files and as pictures in docs/gallery.

The data is made here from a seed. Pictures need poppler-utils and LibreOffice; without them only the files
are made.
"""

import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from rendering.engine import render
from rendering.model import (
    Align,
    Chart,
    ChartKind,
    Column,
    ColumnType,
    Format,
    Highlight,
    Options,
    Orientation,
    Page,
    Table,
    Tone,
    Total,
)

_FOLDER = Path(__file__).parents[1] / "docs" / "gallery"
_CLOCK = datetime(2026, 7, 1, 9, 30, tzinfo=UTC)
_SEED = 2026
type Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Report:
    """One file of the gallery. ``pages`` are those that have a picture."""

    name: str
    format: Format
    table: Table
    rows: Rows
    options: Options
    pages: tuple[int, ...] = (1,)
    about: str = field(default="")


def _money(chance: random.Random, low: int, high: int) -> Decimal:
    return Decimal(chance.randrange(low * 100, high * 100)).scaleb(-2)


def _sales(chance: random.Random) -> Rows:
    return [
        (
            f"2026-{month:02d}",
            category,
            units := chance.randrange(40, 900),
            units * _money(chance, 9, 60),
            change,
        )
        for month in range(1, 7)
        for category in ("Books", "Games", "Garden", "Kitchen", "Music")
        for change in [Decimal(chance.randrange(-180, 260)).scaleb(-3)]
    ]


_SALES = Table(
    title="Sales by month and category",
    subtitle="First half of 2026",
    columns=(
        Column(key="month", label="Month", width=12),
        Column(key="category", label="Category", width=22),
        Column(
            key="units",
            label="Units",
            type=ColumnType.INTEGER,
            format="integer",
            total=Total.SUM,
            data_bar=True,
        ),
        Column(
            key="revenue", label="Revenue", type=ColumnType.DECIMAL, format="currency:EUR", total=Total.SUM
        ),
        Column(
            key="change",
            label="Against 2025",
            type=ColumnType.DECIMAL,
            format="percent:1",
            highlights=(
                Highlight(when="below", value=Decimal(0), tone=Tone.BAD),
                Highlight(when="above", value=Decimal("0.15"), tone=Tone.GOOD),
            ),
        ),
    ),
    group_by=("month",),
    charts=(
        Chart(kind=ChartKind.LINE, title="Revenue by month", category="month", values=("revenue",)),
        Chart(kind=ChartKind.PIE, title="Revenue by category", category="category", values=("revenue",)),
    ),
)


def _invoices(chance: random.Random) -> Rows:
    customers = (
        "Padaria Três Irmãos",
        "Açúcar & Café Ltda.",
        "Construtora São João",
        "Óptica Visão",
        "Livraria Ipê",
    )
    return [
        (
            f"{chance.randrange(10**7):07d}",
            chance.choice(customers),
            f"{chance.randrange(10**14):014d}",
            date(2026, 1, 1) + timedelta(days=chance.randrange(180)),
            _money(chance, 40, 9000),
            chance.choice(("paga", "paga", "paga", "vencida", "aberta")),
        )
        for _ in range(60)
    ]


_INVOICES = Table(
    title="Notas fiscais",
    subtitle="Primeiro semestre de 2026",
    columns=(
        Column(key="number", label="Número", width=11),
        Column(key="customer", label="Cliente", width=28),
        Column(key="cnpj", label="CNPJ", width=18),
        Column(key="day", label="Emissão", type=ColumnType.DATE),
        Column(key="amount", label="Valor", type=ColumnType.DECIMAL, format="currency:BRL", total=Total.SUM),
        Column(
            key="state",
            label="Situação",
            align=Align.CENTER,
            width=12,
            highlights=(
                Highlight(when="equal", value="vencida", tone=Tone.BAD),
                Highlight(when="equal", value="aberta", tone=Tone.WARNING),
            ),
        ),
    ),
)

_GREETINGS: Rows = [
    (
        "العربية",
        "Arabic",
        "تقرير المبيعات للربع الثاني: ارتفعت الإيرادات بنسبة 12% مقارنة بالعام الماضي.",
        "🕌",
    ),
    ("עברית", "Hebrew", "דוח המכירות לרבעון השני: ההכנסות עלו ב-12% לעומת השנה שעברה.", "📈"),
    ("中文", "Chinese", "第二季度销售报告：收入比去年增长了百分之十二，其中图书和厨房用品增长最快。", "🐉"),
    ("日本語", "Japanese", "第2四半期の売上報告：収益は前年比で12%増加しました。", "🗻"),
    ("한국어", "Korean", "2분기 매출 보고서: 수익이 작년보다 12% 증가했습니다.", "🌸"),
    (
        "Русский",
        "Russian",
        "Отчёт о продажах за второй квартал: выручка выросла на 12 % по сравнению с прошлым годом.",
        "⛄",
    ),
    ("Ελληνικά", "Greek", "Έκθεση πωλήσεων δεύτερου τριμήνου: τα έσοδα αυξήθηκαν κατά 12%.", "🏛"),
    ("Tiếng Việt", "Vietnamese", "Báo cáo bán hàng quý hai: doanh thu tăng 12% so với năm trước.", "🌾"),
    ("Türkçe", "Turkish", "İkinci çeyrek satış raporu: gelir geçen yıla göre %12 arttı.", "☕"),
    ("Português", "Portuguese", "Relatório de vendas do segundo trimestre: a receita cresceu 12%.", "⚽"),
]

_LANGUAGES = Table(
    title="One report, many scripts — تقرير 报告 отчёт 📊",
    columns=(
        Column(key="own", label="Language", width=14),
        Column(key="name", label="In English", width=14),
        Column(key="text", label="What the report says", width=60, wrap=True),
        Column(key="mark", label="Mark", width=7, align=Align.CENTER),
    ),
)


def _wide(chance: random.Random) -> Rows:
    return [
        (f"Station {number:03d}", *(_money(chance, 0, 500) / 10 for _ in range(23)))
        for number in range(1, 41)
    ]


_WIDE = Table(
    title="Hourly readings",
    subtitle="More columns than a page is wide: they go on in blocks, the first one repeated",
    columns=(
        Column(key="station", label="Station"),
        *(
            Column(key=f"h{hour}", label=f"{hour:02d}:00", type=ColumnType.DECIMAL, format="decimal:2")
            for hour in range(1, 24)
        ),
    ),
)


def _logo() -> bytes:
    """A plain mark, so that the gallery shows where a logo stands."""
    from PIL import Image, ImageDraw  # noqa: PLC0415

    image = Image.new("RGBA", (520, 160), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 20, 120, 140), 24, fill=(47, 109, 181, 255))
    for index, height in enumerate((40, 70, 95)):
        draw.rectangle((24 + index * 28, 122 - height, 42 + index * 28, 122), fill=(255, 255, 255, 255))
    draw.rectangle((150, 52, 500, 72), fill=(31, 41, 51, 255))
    draw.rectangle((150, 92, 400, 106), fill=(95, 107, 122, 255))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def reports() -> Iterator[Report]:
    """The six reports, always the same."""
    chance = random.Random(_SEED)  # noqa: S311 - data for show
    sales, invoices = _sales(chance), _invoices(chance)
    english = Options(
        created_at=_CLOCK, parameters=(("From", "2026-01-01"), ("To", "2026-06-30")), about=True
    )
    brazilian = Options(created_at=_CLOCK, locale="pt-BR", timezone="America/Sao_Paulo")
    yield Report(
        name="sales", format=Format.XLSX, table=_SALES, rows=sales, options=english, pages=(1, 2),
        about="Groups that can be folded, totals as formulas, a data bar, highlights and charts",
    )  # fmt: skip
    yield Report(
        name="sales", format=Format.PDF, table=_SALES, rows=sales,
        options=Options(created_at=_CLOCK, logo=_logo(), parameters=english.parameters), pages=(1, 2),
        about="The same report as a document, with a logo, subtotals and charts",
    )  # fmt: skip
    yield Report(
        name="invoices", format=Format.XLSX, table=_INVOICES, rows=invoices, options=brazilian,
        about="Brazilian formats; tax ids keep their zeros",
    )  # fmt: skip
    yield Report(
        name="invoices", format=Format.PDF, table=_INVOICES, rows=invoices, options=brazilian,
        about="The same as a document",
    )  # fmt: skip
    yield Report(
        name="languages", format=Format.PDF, table=_LANGUAGES, rows=_GREETINGS,
        options=Options(created_at=_CLOCK, page=Page(orientation=Orientation.LANDSCAPE)),
        about="Arabic and Hebrew in their order, Chinese, Japanese, Korean, Cyrillic, Greek and emoji",
    )  # fmt: skip
    yield Report(
        name="readings", format=Format.PDF, table=_WIDE, rows=_wide(chance),
        options=Options(created_at=_CLOCK, page=Page(orientation=Orientation.LANDSCAPE)), pages=(1, 2),
        about="A table that is wider than the page",
    )  # fmt: skip


def write(report: Report, folder: Path) -> Path:
    """Render ``report`` into ``folder``."""
    path = folder / f"{report.name}.{report.format}"
    with path.open("wb") as sink:
        render(
            table=report.table, batches=[report.rows], format=report.format, options=report.options, sink=sink
        )
    return path


def _pictures(report: Report, path: Path, folder: Path) -> list[str]:
    """PNGs of the report's pages, as readers see them."""
    with tempfile.TemporaryDirectory() as work:
        document = path
        if report.format is Format.XLSX:
            subprocess.run(
                ["soffice", f"-env:UserInstallation=file://{work}/profile", "--headless",
                 "--convert-to", "pdf", "--outdir", work, str(path)],
                check=True, capture_output=True, timeout=120,
            )  # fmt: skip
            document = Path(work, f"{report.name}.pdf")
        names = []
        for page in report.pages:
            name = f"{report.name}-{report.format}-{page}"
            subprocess.run(
                ["pdftoppm", "-r", "70", "-f", str(page), "-l", str(page), "-singlefile", "-png",
                 str(document), str(folder / name)],
                check=True, capture_output=True,
            )  # fmt: skip
            names.append(f"{name}.png")
    return names


def main() -> int:
    shutil.rmtree(_FOLDER, ignore_errors=True)
    _FOLDER.mkdir(parents=True)
    drawn = shutil.which("soffice") is not None and shutil.which("pdftoppm") is not None
    lines = [
        "# Gallery",
        "",
        "Made by `make gallery` from data with a seed. Workbooks are shown as LibreOffice prints them.",
        "",
    ]
    for report in reports():
        path = write(report, _FOLDER)
        print(f"{path.relative_to(_FOLDER.parents[1])}: {path.stat().st_size / 1000:.0f} kB")
        lines += [f"## [{path.name}]({path.name})", "", f"{report.about}.", ""]
        if drawn:
            lines += [f"![{path.name}]({name})" for name in _pictures(report, path, _FOLDER)]
            lines.append("")
    if not drawn:
        print("pictures need LibreOffice (soffice) and poppler-utils (pdftoppm): none were made")
    (_FOLDER / "README.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
