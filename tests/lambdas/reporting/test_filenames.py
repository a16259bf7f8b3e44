"""File names that are safe on any disk and arrive as they are in a browser."""

import re
import unicodedata
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting.filenames import MAX_BYTES, content_disposition, safe_filename

any_text = st.text()


def saved_as(header: str) -> str:
    """The name under which a client saves a download (RFC 6266, section 4.3: ``filename*`` wins)."""
    message = Message()
    message["Content-Disposition"] = header
    parameters = dict(message.get_params([], header="content-disposition", unquote=True)[1:])
    if (extended := re.search(r"filename\*=UTF-8''([!#$&+.^_`|~A-Za-z0-9%-]*)$", header)) is not None:
        return unquote(extended.group(1), errors="strict")
    return str(parameters["filename"])


class TestSafeFilename:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("pedidos-março", "pedidos-março.xlsx"),
            ("Relatório “Q1” – São Paulo", "Relatório “Q1” – São Paulo.xlsx"),
            ("売上レポート 2026", "売上レポート 2026.xlsx"),
            ("گزارش\u200cها", "گزارش\u200cها.xlsx"),
            ("👩\u200d💻 report", "👩\u200d💻 report.xlsx"),
            ("sales 01/02/2026", "sales 01-02-2026.xlsx"),
            ("../../etc/passwd", "-..-etc-passwd.xlsx"),
            ("C:\\temp\\a", "C--temp-a.xlsx"),
            ('a<b>c:"d"|e?f*', "a-b-c--d--e-f-.xlsx"),
            ("a\u2215b\uff0fc", "a-b-c.xlsx"),
            ("evil\u202efdp.exe", "evilfdp.exe.xlsx"),
            ("a\x00b\x1fc\x7fd", "abcd.xlsx"),
            ("two\r\nlines\tand\u2028more", "two lines and more.xlsx"),
            ("  .hidden. ", "hidden.xlsx"),
            ("report.xlsx", "report.xlsx"),
            ("Report.XLSX", "Report.xlsx"),
            ("CON", "_CON.xlsx"),
            ("aux.old", "_aux.old.xlsx"),
            ("com1", "_com1.xlsx"),
            ("lpt³", "_lpt³.xlsx"),
            ("console", "console.xlsx"),
            ("", "report.xlsx"),
            ("...", "report.xlsx"),
            (".xlsx", "xlsx.xlsx"),
            ("\u200d\u200c", "report.xlsx"),
            ("\ud800", "report.xlsx"),
            ("e\u0301", "é.xlsx"),
            ("e\u200b\u0301", "é.xlsx"),
        ],
    )
    def test_it_shows_the_text_and_nothing_that_harms(self, text: str, expected: str) -> None:
        assert safe_filename(text, "xlsx") == expected

    def test_a_long_name_is_cut_between_characters(self) -> None:
        for text in ("a" * 500, "ã" * 500, "売" * 500, "😀" * 500, "x" + "é" * 500):
            name = safe_filename(text, "pdf")
            assert name.endswith(".pdf")
            assert MAX_BYTES - 4 < len(name.encode()) <= MAX_BYTES
            assert text.startswith(name.removesuffix(".pdf"))

    @given(text=any_text, extension=st.sampled_from(["xlsx", "pdf", "csv", ".pdf"]))
    def test_whatever_the_text_the_name_is_one_safe_segment(self, text: str, extension: str) -> None:
        name = safe_filename(text, extension)
        stem, dot, end = name.rpartition(".")
        assert (dot, end) == (".", extension.lstrip("."))
        assert stem
        assert len(name.encode()) <= MAX_BYTES
        assert not re.search(r'[/\\:*?"<>|\x00-\x1f\x7f-\x9f]', name)
        assert not stem.startswith((".", " "))
        assert not stem.endswith((".", " "))
        assert unicodedata.normalize("NFC", name) == name
        assert not {"Cc", "Cs", "Cn", "Zl", "Zp"} & {unicodedata.category(c) for c in name}

    @given(text=any_text)
    def test_a_safe_name_stays_as_it_is(self, text: str) -> None:
        name = safe_filename(text, "pdf")
        assert safe_filename(name, "pdf") == name


class TestContentDisposition:
    def test_a_name_in_ascii_needs_one_parameter(self) -> None:
        assert content_disposition("report-2026 (1).xlsx") == 'attachment; filename="report-2026 (1).xlsx"'

    def test_any_other_name_has_an_ascii_fallback_and_itself_in_utf_8(self) -> None:
        assert content_disposition("Relatório “Q1” – São Paulo.xlsx") == (
            'attachment; filename="Relatorio _Q1_ _ Sao Paulo.xlsx"; '
            "filename*=UTF-8''Relat%C3%B3rio%20%E2%80%9CQ1%E2%80%9D%20%E2%80%93%20S%C3%A3o%20Paulo.xlsx"
        )

    @pytest.mark.parametrize(
        "name", ['a"b.pdf', "a\\b.pdf", "100%.pdf", "a;b=c.pdf", "a'b.pdf", "a\r\nX-Evil: 1.pdf"]
    )
    def test_no_name_breaks_out_of_its_quotes(self, name: str) -> None:
        header = content_disposition(name)
        assert "\r" not in header
        assert "\n" not in header
        assert header.count('"') == 2
        assert saved_as(header) == name

    @given(text=any_text, extension=st.sampled_from(["xlsx", "pdf", "csv"]))
    def test_every_safe_name_is_saved_as_it_is_through_a_pure_ascii_header(
        self, text: str, extension: str
    ) -> None:
        name = safe_filename(text, extension)
        header = content_disposition(name)
        assert header.isascii()
        assert header.isprintable()
        assert saved_as(header) == name
        # S3 takes 2 kB of metadata in all; a header of 8 kB would be refused.
        assert len(header) < 1000

    def test_a_lone_surrogate_is_refused(self) -> None:
        with pytest.raises(ValueError, match="surrogates"):
            content_disposition("\ud800.pdf")
