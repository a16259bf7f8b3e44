"""What clients say about datasets: when they make one, and when a report's table names one."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rendering.formats import check_locale
from reporting.notation import DATE_FORMAT, Delimiter, Encoding, Notation
from reporting.wording import as_json

type DatasetFormat = Literal["csv", "jsonl"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class DatasetRequest(_Strict):
    """The body of ``POST /datasets``. ``size_bytes`` and ``sha256`` are checked if they are given."""

    format: DatasetFormat
    size_bytes: Annotated[int, Field(ge=1)] | None = None
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = None


class DatasetReference(_Strict):
    """The rows of a table are those of a dataset. All but ``id`` is about CSV."""

    id: Annotated[str, Field(min_length=1, max_length=64)]
    delimiter: Delimiter | None = None
    encoding: Encoding | None = None
    locale: Annotated[str, Field(max_length=35)] | None = None
    date_format: Annotated[str, Field(max_length=10)] | None = None
    empty_as_null: bool | None = None

    @field_validator("locale")
    @classmethod
    def _known_locale(cls, value: str | None) -> str | None:
        return None if value is None else check_locale(value)

    @field_validator("date_format")
    @classmethod
    def _known_order(cls, value: str | None) -> str | None:
        if value is not None and DATE_FORMAT.fullmatch(value) is None:
            raise ValueError(
                'must be DD, MM and YYYY in some order with one of "/", ".", "-" between them, '
                f'such as "DD/MM/YYYY", got {as_json(value)}'
            )
        return value

    @property
    def csv_options(self) -> list[str]:
        """The names of what is said about CSV."""
        return sorted(self.model_dump(exclude={"id"}, exclude_none=True))

    @property
    def notation(self) -> Notation:
        return Notation(
            locale=self.locale, date_format=self.date_format, empty_as_null=bool(self.empty_as_null)
        )
