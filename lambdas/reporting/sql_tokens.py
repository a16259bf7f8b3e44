"""Splits MySQL text into tokens, so that quotes and comments are never mistaken for syntax.

The rules are those of MySQL 8.4 and MariaDB 10.11 with neither ``ANSI_QUOTES`` nor
``NO_BACKSLASH_ESCAPES``; the connection that runs the text pins ``sql_mode`` accordingly. Source: MySQL
8.4 Reference Manual, "String Literals", "Schema Object Names" and "Comments".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class TokenKind(StrEnum):
    SPACE = "space"
    COMMENT = "comment"
    #: ``/*! ... */`` and ``/*M! ... */``: text that looks like a comment and is executed.
    EXECUTABLE_COMMENT = "executable_comment"
    #: ``/*+ ... */``
    HINT = "hint"
    STRING = "string"
    QUOTED_IDENTIFIER = "quoted_identifier"
    #: ``:name``
    PLACEHOLDER = "placeholder"
    #: ``{name}``
    SLOT = "slot"
    #: An unquoted identifier, a keyword or a number.
    WORD = "word"
    OPERATOR = "operator"
    #: A quote or comment that is opened and never closed; runs to the end of the text.
    UNTERMINATED = "unterminated"


@dataclass(frozen=True, slots=True)
class Token:
    """``text`` is the exact source text and ``offset`` its index: the texts joined give the source."""

    kind: TokenKind
    text: str
    offset: int

    @property
    def name(self) -> str:
        """The bare name of a placeholder, a slot, a word or a quoted identifier."""
        match self.kind:
            case TokenKind.PLACEHOLDER:
                return self.text[1:]
            case TokenKind.SLOT:
                return self.text[1:-1]
            case TokenKind.QUOTED_IDENTIFIER:
                return self.text[1:-1].replace("``", "`")
            case _:
                return self.text

    @property
    def significant(self) -> bool:
        """Whether the server's parser sees the token."""
        return self.kind not in (TokenKind.SPACE, TokenKind.COMMENT)


# The order decides: executable comments before plain ones, `::` and `:=` before `:name`. Quantifiers
# are possessive, so that a text with an open quote is refused in linear time.
_WORD = r"[A-Za-z0-9_$\u0080-\U0010FFFF]"
_PATTERN = re.compile(
    rf"""
      (?P<space>[ \t\r\n\f\v]++)
    | (?P<executable_comment>/\*M?!.*?\*/)
    | (?P<hint>/\*\+.*?\*/)
    | (?P<comment>/\*.*?\*/ | \#[^\n]*+ | --(?=[\x00-\x20]|\Z)[^\n]*+)
    | (?P<string>'(?:[^'\\]|\\.|'')*+' | "(?:[^"\\]|\\.|"")*+")
    | (?P<quoted_identifier>`(?:[^`]|``)*+`)
    | (?P<unterminated>(?:/\*|['"`]).*+)
    | (?P<placeholder>(?<!:):[A-Za-z_]{_WORD}*+)
    | (?P<slot>\{{[A-Za-z_][A-Za-z0-9_]*+\}})
    | (?P<word>{_WORD}++)
    | (?P<operator>:=|:++|.)
    """,
    re.VERBOSE | re.DOTALL,
)


def tokenize(sql: str) -> Iterator[Token]:
    """Yield every token of ``sql`` in order; there is no text that it refuses."""
    for found in _PATTERN.finditer(sql):
        assert found.lastgroup is not None  # noqa: S101 - every alternative is named
        yield Token(TokenKind(found.lastgroup), found.group(), found.start())
