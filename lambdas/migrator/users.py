"""The database's users, made from their secrets: a server knows only its administrator at first."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pymysql.cursors import Cursor

_NAME = r"[A-Za-z][A-Za-z0-9_]{0,62}"


class BadName(ValueError):
    """A user or schema has a name that this module does not put into SQL."""


@dataclass(frozen=True, kw_only=True)
class User:
    """A user with a password and the rights it has, by schema."""

    name: str
    password: str
    rights: Mapping[str, str]

    def __repr__(self) -> str:
        return f"User({self.name!r})"


def application(name: str, password: str, *, schema: str) -> User:
    """Changes rows of Prensa's tables, and no table."""
    return User(name=name, password=password, rights={schema: "SELECT, INSERT, UPDATE, DELETE"})


def reader(name: str, password: str, *, schema: str) -> User:
    """Reads report data and does nothing else."""
    return User(name=name, password=password, rights={schema: "SELECT"})


def ensure_schemas(cursor: Cursor, names: list[str]) -> None:
    """Create the schemas that are missing. Raises :class:`BadName`."""
    for name in names:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{_checked(name)}` CHARACTER SET utf8mb4")


def ensure_users(cursor: Cursor, users: list[User]) -> None:
    """Create each user, or give it its present password, over TLS only; then its rights.

    Safe to repeat: a rotated secret reaches the server by it. Raises :class:`BadName`.
    """
    for user in users:
        name = _checked(user.name)
        cursor.execute(
            f"CREATE USER IF NOT EXISTS '{name}'@'%%' IDENTIFIED BY %s REQUIRE SSL", (user.password,)
        )
        cursor.execute(f"ALTER USER '{name}'@'%%' IDENTIFIED BY %s REQUIRE SSL", (user.password,))
        for schema, rights in user.rights.items():
            cursor.execute(f"GRANT {rights} ON `{_checked(schema)}`.* TO '{name}'@'%'")


def _checked(name: str) -> str:
    if not re.fullmatch(_NAME, name):
        raise BadName(f"{name!r} is no name of letters, digits and '_'.")
    return name
