"""Patterns of JSON Schema mean what ECMA-262 says."""

import re

import pytest

from reporting.patterns import compiled


@pytest.mark.parametrize(
    ("pattern", "taken", "refused"),
    [
        ("^[A-Z]{2}$", ["BR"], ["BR\n", "BR\r", "B", "BRA", "ＢＲ"]),
        (r"^\d+$", ["12"], ["１２", "٣", "12\n", ""]),
        (r"^[\d.-]+$", ["1.2-3"], ["1,2", "１"]),
        (r"^\D$", ["x", "１"], ["1"]),
        (r"^\w+$", ["a_Z9"], ["é", "a b", "日"]),
        (r"^[\w é]+$", ["a é"], ["日"]),
        (r"^\W$", ["é", " "], ["a", "_"]),
        ("^a.b$", ["a b", "aéb"], ["a\nb", "a\rb", "a\u2028b"]),
        (r"^a\.b$", ["a.b"], ["aab"]),
        (r"\$$", ["1 $"], ["$1", "$\n"]),
        (r"^[$.]$", ["$", "."], ["a", "$\n"]),
        (r"^[^\]$]$", ["a"], ["$", "]"]),
        (r"^[]$]$", ["]", "$"], ["a"]),
        (r"^[^]$]$", ["a"], ["]", "$"]),
        (r"^[[]$", ["["], ["[\n", "]"]),
        (r"^\\$", ["\\"], ["\\\n"]),
        (r"^(?=.*\d)[a-z\d]{3,}$", ["ab1"], ["abc", "ab1\n"]),
        ("b", ["abc"], ["ac"]),
    ],
)
def test_a_pattern_takes_what_its_standard_says(pattern: str, taken: list[str], refused: list[str]) -> None:
    assert [text for text in taken if not compiled(pattern).search(text)] == []
    assert [text for text in refused if compiled(pattern).search(text)] == []


@pytest.mark.parametrize("pattern", ["[", "(", r"\p{L}", "*"])
def test_what_is_no_regular_expression_is_none_here(pattern: str) -> None:
    with pytest.raises(re.error):
        compiled(pattern)
