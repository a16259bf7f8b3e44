"""Compiles a report's SQL: one SELECT, whose parameters reach the server as bound values only.

- ``:name`` is a parameter. It becomes one bound value; a list parameter is written ``IN (:name)`` and
  becomes one bound value per item, and ``:name IS NULL`` asks whether the list was given at all.
- ``{name}`` is an identifier or a sort direction. Its value comes from the parameter of that name and
  must be in the allow-list of the definition.
- Quotes, comments and percent signs are literal, with parameters and without.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import assert_never

from reporting.sql_tokens import Token, TokenKind, tokenize

type Scalar = str | int | Decimal | bool | date | datetime | time | None
type Value = Scalar | Sequence[Scalar]

#: True for `x NOT IN (...)` and false for `x IN (...)`, as an empty set demands; `IN (NULL)` would be
#: NULL for both, and `NOT IN` would lose every row.
_EMPTY_LIST = "SELECT NULL FROM DUAL WHERE FALSE"
_DIRECTIONS = frozenset({"ASC", "DESC"})

# Functions that reach outside the query: files and programs of the server, locks, sequences, replicas.
_REFUSED_FUNCTIONS = frozenset(
    {
        "LOAD_FILE",
        "SYS_EXEC",
        "SYS_EVAL",
        "GET_LOCK",
        "RELEASE_LOCK",
        "RELEASE_ALL_LOCKS",
        "NEXTVAL",
        "SETVAL",
    }
    | {"MASTER_POS_WAIT", "SOURCE_POS_WAIT", "MASTER_GTID_WAIT", "WAIT_FOR_EXECUTED_GTID_SET"}
)
# Hints that would lift the time limit of the session.
_REFUSED_HINTS = ("MAX_EXECUTION_TIME", "SET_VAR")
_VERBS = frozenset({"SELECT", "UPDATE", "DELETE", "INSERT", "REPLACE", "TABLE", "VALUES"})


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """``line`` is 1-based in the text that was compiled."""

    line: int
    detail: str


class InvalidSql(ValueError):
    """SQL that a report type can't use; ``problems`` holds every one that was found."""

    def __init__(self, problems: Sequence[SqlProblem]) -> None:
        super().__init__("; ".join(f"line {problem.line}: {problem.detail}" for problem in problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class BoundStatement:
    """What ``cursor.execute(text, arguments)`` of PyMySQL takes.

    ``arguments`` is never ``None``, since PyMySQL reduces ``%%`` to ``%`` only when there are arguments.
    """

    text: str
    arguments: tuple[Scalar, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Text:
    text: str


@dataclass(frozen=True, slots=True)
class _OneValue:
    name: str


@dataclass(frozen=True, slots=True)
class _ListItems:
    name: str


@dataclass(frozen=True, slots=True)
class _ListGiven:
    name: str


@dataclass(frozen=True, slots=True)
class _Identifier:
    name: str


type _Part = _Text | _OneValue | _ListItems | _ListGiven | _Identifier


@dataclass(frozen=True, slots=True)
class CompiledStatement:
    """A checked SELECT whose placeholders are known.

    ``parameters`` are the names of its ``:name``, ``slots`` those of its ``{name}``.
    """

    parameters: frozenset[str]
    slots: frozenset[str]
    _parts: tuple[_Part, ...] = field(repr=False)
    _identifiers: Mapping[str, frozenset[str]] = field(repr=False)

    def bind(self, values: Mapping[str, Value]) -> BoundStatement:
        """Bind ``values`` by parameter name; a name that is absent is bound as NULL.

        Datetimes with an offset are converted to UTC, the zone of the session. Raises ``ValueError``
        for an identifier outside its allow-list and ``TypeError`` for a value that can't be bound.
        """
        text: list[str] = []
        arguments: list[Scalar] = []
        for part in self._parts:
            match part:
                case _Text():
                    text.append(part.text)
                case _OneValue():
                    text.append("%s")
                    arguments.append(_scalar(part.name, values.get(part.name)))
                case _ListGiven():
                    text.append("%s")
                    arguments.append(None if values.get(part.name) is None else 1)
                case _ListItems():
                    items = [_scalar(part.name, item) for item in _items(part.name, values.get(part.name))]
                    text.append(", ".join(["%s"] * len(items)) if items else _EMPTY_LIST)
                    arguments.extend(items)
                case _Identifier():
                    text.append(self._identifier(part.name, values.get(part.name)))
                case _:
                    assert_never(part)
        return BoundStatement("".join(text), tuple(arguments))

    def _identifier(self, slot: str, value: Value) -> str:
        allowed = self._identifiers[slot]
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"{slot} must be one of {', '.join(sorted(allowed))}")
        return _quoted(value)


def statement_kind(sql: str) -> str:
    """The keyword that ``sql`` begins with, in upper case; empty if it begins with none.

    Comments and opening brackets are passed over: ``(SELECT 1) UNION (SELECT 2)`` is a ``SELECT``.
    """
    for token in tokenize(sql):
        if token.significant and token.text != "(":
            return token.text.upper() if token.kind is TokenKind.WORD else ""
    return ""


def compile_statement(
    sql: str,
    *,
    parameters: Collection[str] = (),
    lists: Collection[str] = (),
    identifiers: Mapping[str, Sequence[str]] | None = None,
) -> CompiledStatement:
    """Check that ``sql`` is one SELECT or WITH ... SELECT that only reads, and compile its placeholders.

    ``parameters`` are the names that ``:name`` may use, ``lists`` those of them whose values are lists.
    ``identifiers`` maps each ``{name}`` to the values that it may take: column names or aliases, or
    ``asc`` and ``desc``.

    Raises ``InvalidSql`` with every problem at once.
    """
    allowed = {name: frozenset(values) for name, values in (identifiers or {}).items()}
    tokens = _without_trailing_semicolon(list(tokenize(sql)))
    found = {
        *_refusals(tokens),
        *_undeclared(tokens, frozenset(parameters), allowed),
        *_misplaced_lists(tokens, frozenset(lists)),
    }
    problems = [SqlProblem(sql.count("\n", 0, offset) + 1, detail) for offset, detail in sorted(found)]
    if problems:
        raise InvalidSql(problems)
    return CompiledStatement(
        parameters=frozenset(token.name for token in tokens if token.kind is TokenKind.PLACEHOLDER),
        slots=frozenset(token.name for token in tokens if token.kind is TokenKind.SLOT),
        _parts=tuple(_parts(tokens, frozenset(lists))),
        _identifiers=allowed,
    )


def _without_trailing_semicolon(tokens: list[Token]) -> list[Token]:
    for index in reversed(range(len(tokens))):
        if tokens[index].significant:
            return tokens[:index] + tokens[index + 1 :] if tokens[index].text == ";" else tokens
    return tokens


def _refusals(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """(offset, detail) of everything that makes ``tokens`` more than one reading statement."""
    significant = [token for token in tokens if token.significant]
    verb = _main_verb(significant)
    if verb is None or verb.text.upper() != "SELECT":
        got = f"got {verb.text.upper()}" if verb else "there is none"
        yield verb.offset if verb else 0, f"the statement must be a SELECT or WITH ... SELECT, {got}"
    for index, token in enumerate(significant):
        following = [after.text.upper() for after in significant[index + 1 : index + 4]]
        match token.kind:
            case TokenKind.UNTERMINATED:
                yield token.offset, f"{token.text[:2].strip()} is opened and never closed"
            case TokenKind.EXECUTABLE_COMMENT:
                yield token.offset, "/*! comments are executed by the server and not allowed"
            case TokenKind.HINT:
                for hint in _REFUSED_HINTS:
                    if hint in token.text.upper():
                        yield token.offset, f"the hint {hint} is not allowed: it changes the time limit"
            case TokenKind.OPERATOR if token.text == ";":
                yield token.offset, "only one statement is allowed, got several separated by ';'"
            case TokenKind.OPERATOR if token.text < " ":
                yield token.offset, f"the control character U+{ord(token.text):04X} is not allowed"
            case TokenKind.WORD | TokenKind.QUOTED_IDENTIFIER:
                name = token.name.upper()
                if name in _REFUSED_FUNCTIONS and following[:1] == ["("]:
                    yield token.offset, f"the function {name} is not allowed"
                if token.kind is TokenKind.WORD:
                    yield from ((token.offset, detail) for detail in _refused_clause(name, following))


def _main_verb(significant: Sequence[Token]) -> Token | None:
    """The token that says what the statement does: for WITH, the verb after the last bracket."""
    first = next((token for token in significant if token.text != "("), None)
    if first is None or first.text.upper() != "WITH":
        return first
    depth = 0
    for token in significant[significant.index(first) :]:
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
        elif depth == 0 and token.kind is TokenKind.WORD and token.text.upper() in _VERBS:
            return token
    # WITH x AS (...) (SELECT ...): the verb itself is in brackets.
    return next((token for token in reversed(significant) if token.text.upper() in _VERBS), first)


def _refused_clause(word: str, following: Sequence[str]) -> Iterator[str]:
    """``word`` is a reserved word of both servers: as a name it would have to be quoted."""
    if word == "INTO":
        yield "SELECT ... INTO is not allowed: a report only reads"
    elif word == "FOR" and following[:1] in (["UPDATE"], ["SHARE"]):
        yield f"FOR {following[0]} is not allowed: a report takes no locks"
    elif word == "LOCK" and following == ["IN", "SHARE", "MODE"]:
        yield "LOCK IN SHARE MODE is not allowed: a report takes no locks"
    elif word == "PROCEDURE":
        yield "PROCEDURE is not allowed"
    elif word == "NEXT" and following[:2] == ["VALUE", "FOR"]:
        yield "NEXT VALUE FOR is not allowed: a report only reads"


def _undeclared(
    tokens: Sequence[Token], parameters: frozenset[str], allowed: Mapping[str, frozenset[str]]
) -> Iterator[tuple[int, str]]:
    for token in tokens:
        if token.kind is TokenKind.PLACEHOLDER and token.name not in parameters:
            declared = ", ".join(sorted(parameters)) or "none"
            yield token.offset, f"{token.text} is no parameter; declared: {declared}"
        elif token.kind is TokenKind.SLOT and token.name not in allowed:
            declared = ", ".join(sorted(allowed)) or "none"
            yield token.offset, f"{token.text} has no list of identifiers; declared: {declared}"
    for name, values in allowed.items():
        directions = {value for value in values if value.upper() in _DIRECTIONS}
        if directions and directions != values:
            yield 0, f"the identifiers of {name} mix sort directions and column names"


def _misplaced_lists(tokens: Sequence[Token], lists: frozenset[str]) -> Iterator[tuple[int, str]]:
    for offset, name, place in _lists(tokens, lists):
        if place is None:
            yield offset, f"the list :{name} must stand as IN (:{name}) or :{name} IS NULL"


def _lists(
    tokens: Sequence[Token], lists: frozenset[str]
) -> Iterator[tuple[int, str, type[_ListItems] | type[_ListGiven] | None]]:
    """(offset, name, what it stands for) of each use of a list parameter."""
    significant = [token for token in tokens if token.significant]
    for index, token in enumerate(significant):
        if token.kind is not TokenKind.PLACEHOLDER or token.name not in lists:
            continue
        before = [other.text.upper() for other in significant[max(0, index - 2) : index]]
        after = [other.text.upper() for other in significant[index + 1 : index + 2]]
        if before == ["IN", "("] and after == [")"]:
            yield token.offset, token.name, _ListItems
        elif after == ["IS"]:
            yield token.offset, token.name, _ListGiven
        else:
            yield token.offset, token.name, None


def _parts(tokens: Sequence[Token], lists: frozenset[str]) -> Iterator[_Part]:
    places = {offset: place for offset, _, place in _lists(tokens, lists)}
    literal: list[str] = []
    for token in tokens:
        if token.kind not in (TokenKind.PLACEHOLDER, TokenKind.SLOT):
            # PyMySQL formats the text with `%`, also inside quotes and comments.
            literal.append(token.text.replace("%", "%%"))
            continue
        yield _Text("".join(literal))
        literal.clear()
        if token.kind is TokenKind.SLOT:
            yield _Identifier(token.name)
        else:
            yield (places.get(token.offset) or _OneValue)(token.name)
    yield _Text("".join(literal))


def _items(name: str, value: Value) -> Sequence[Scalar]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a list, got {type(value).__name__}")
    return value


def _scalar(name: str, value: Value) -> Scalar:
    match value:
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None)
        case Decimal() if not value.is_finite():
            raise ValueError(f"{name} must be a finite number")
        case None | str() | bool() | int() | Decimal() | datetime() | date() | time():
            return value
        case _:
            raise TypeError(f"{name} can't be bound: {type(value).__name__} is not a value of SQL")


def _quoted(identifier: str) -> str:
    """``desc`` -> ``DESC``; ``o.total`` -> ```o`.`total```, in the form that PyMySQL formats."""
    if identifier.upper() in _DIRECTIONS:
        return identifier.upper()
    return ".".join(f"`{part.replace('`', '``')}`" for part in identifier.split(".")).replace("%", "%%")
