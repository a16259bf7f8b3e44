"""The page about the constructs is that of the code."""

from tools.constructs_page import PAGE, page


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: .venv/bin/python -m tools.constructs_page"
