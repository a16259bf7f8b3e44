"""What a rendering can end in. Each error has a stable ``code`` for the report's status."""


class RenderError(Exception):
    """A report that can't be made from this definition and data; trying again will not help."""

    code = "render_error"


class BadValue(RenderError):
    """A value does not fit its column and the request said ``on_bad_value: fail``."""

    code = "bad_value"


class BadData(RenderError):
    """A file of rows is not what its format asks for: the rows can't be told from one another."""

    code = "bad_data"


class TooManyRows(RenderError):
    """More rows than the format holds and the request said ``on_overflow: fail``."""

    code = "too_many_rows"


class SheetFull(TooManyRows):
    """More rows than a sheet holds and the request said ``on_overflow: csv``: render the rows as CSV instead.

    What was written is no file, and the rows have to be read again. ``row`` is the 1-based data row that
    found no room, or the one before a summary that did not.
    """

    def __init__(self, detail: str, *, row: int) -> None:
        super().__init__(detail)
        self.detail = detail
        self.row = row


class TooManyColumns(RenderError):
    """More columns than the format holds."""

    code = "too_many_columns"


class Incomplete(RenderError):
    """Rows read and rows written differ, or the source ended early."""

    code = "incomplete"
