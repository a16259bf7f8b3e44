"""The picture of the stacks in the documents is that of the app."""

from local.synthesis import synthesized
from tools.picture import PICTURE, draw


def test_the_picture_is_up_to_date() -> None:
    assert PICTURE.read_text() == draw(synthesized()), "run: .venv/bin/python -m tools.picture"
