"""Checks of construct props, before any call into the CDK: what was wrong, the value got, those allowed."""

import re
from collections.abc import Collection, Sequence
from zoneinfo import available_timezones

from aws_cdk import RemovalPolicy, Token
from constructs import Construct


class Checks:
    """Checks the props of the construct ``construct_id`` that is about to be made in ``scope``.

    Tokens are let through: their value is known at deployment only.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        path = scope.node.path
        self._where = f"{path}/{construct_id}" if path else construct_id

    def number(self, name: str, value: object, *, low: float, high: float) -> None:
        """``value`` is a whole number from ``low`` to ``high``. Raises ``TypeError`` or ``ValueError``."""
        if Token.is_unresolved(value):
            return
        # The functions read these as whole numbers, and would only refuse 2.5 once they run.
        if isinstance(value, bool) or not (isinstance(value, int | float) and value == value // 1):
            raise TypeError(
                f"{self._where}: {name} must be a whole number from {low} to {high}, got {value!r}."
            )
        if not low <= value <= high:
            raise self.refusal(f"{name} must be from {low} to {high}, got {value!r}.")

    def one_of(self, name: str, value: object, allowed: Collection[object]) -> None:
        """``value`` is one of ``allowed``. Raises ``ValueError``."""
        if not Token.is_unresolved(value) and value not in allowed:
            choices = ", ".join(repr(choice) for choice in allowed)
            raise self.refusal(f"{name} must be one of {choices}, got {value!r}.")

    def matching(self, name: str, value: object, *, pattern: str, meaning: str) -> None:
        """``value`` is a text that ``pattern`` matches whole. Raises ``TypeError`` or ``ValueError``."""
        if Token.is_unresolved(value):
            return
        if not isinstance(value, str):
            raise TypeError(f"{self._where}: {name} must be {meaning}, got {value!r}.")
        if not re.fullmatch(pattern, value):
            raise self.refusal(f"{name} must be {meaning}, got {value!r}.")

    def known(self, name: str, value: object) -> None:
        """``value`` is no token: something is computed from it, or named after it. Raises ``ValueError``."""
        if Token.is_unresolved(value):
            raise self.refusal(f"{name} must be known at synthesis, got a token, {value!r}.")

    def schema_name(self, name: str, value: object) -> None:
        """``value`` is the name of a MySQL schema. Raises ``TypeError`` or ``ValueError``."""
        pattern = r"[A-Za-z][A-Za-z0-9_]{0,62}"
        self.matching(name, value, pattern=pattern, meaning="a name of letters, digits and '_'")

    def locale(self, name: str, value: object) -> None:
        """``value`` has the form of a locale, as requests have it. Raises ``TypeError`` or ``ValueError``."""
        pattern = r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?"
        self.matching(name, value, pattern=pattern, meaning="a locale such as 'en', 'pt-BR' or 'zh-Hans-CN'")

    def timezone(self, name: str, value: object) -> None:
        """``value`` is an IANA time zone. Raises ``TypeError`` or ``ValueError``."""
        meaning = "an IANA time zone such as 'UTC' or 'America/Sao_Paulo'"
        self.matching(name, value, pattern=r"[A-Za-z0-9_+/-]+", meaning=meaning)
        # A machine without the database of zones has none at all.
        known = available_timezones()
        if known and not Token.is_unresolved(value) and value not in known:
            raise self.refusal(f"{name} must be {meaning}, got {value!r}.")

    def sequence(self, name: str, value: object, *, of: str) -> None:
        """``value`` is a list. Raises ``TypeError``.

        A set's order differs between two syntheses, and so would the templates.
        """
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise TypeError(f"{self._where}: {name} must be a list of {of}, got {value!r}.")

    def names(self, name: str, value: Sequence[object], *, most: int, pattern: str, meaning: str) -> None:
        """``value`` is a list of 1 to ``most`` different texts that ``pattern`` matches whole.

        Tokens are refused: names are compared and become ids. Raises ``TypeError`` or ``ValueError``.
        """
        self.sequence(name, value, of="names")
        for entry in value:
            self.known(name, entry)
            self.matching(name, entry, pattern=pattern, meaning=meaning)
        if not 1 <= len(value) <= most or len(set(value)) != len(value):
            raise self.refusal(f"{name} must be 1 to {most} different names, got {list(value)!r}.")

    def instance(self, name: str, value: object, *kinds: type) -> None:
        """``value`` is one of ``kinds``. Raises ``TypeError``."""
        if not isinstance(value, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            raise TypeError(f"{self._where}: {name} must be {wanted}, got {value!r}.")

    def interface(self, name: str, value: object, kind: str, member: str) -> None:
        """``value`` has ``member``, as every ``kind`` does. Raises ``TypeError``.

        The CDK's interfaces can't be asked for with ``isinstance``, and jsii would say it in a page.
        """
        if not hasattr(value, member):
            raise TypeError(f"{self._where}: {name} must be {kind}, got {value!r}.")

    def kept_or_destroyed(self, value: object) -> None:
        """``value`` is a policy that every kept resource knows. Raises ``ValueError``."""
        if value not in (RemovalPolicy.RETAIN, RemovalPolicy.DESTROY):
            got = f"RemovalPolicy.{value.name}" if isinstance(value, RemovalPolicy) else repr(value)
            raise self.refusal(
                f"removal_policy must be RemovalPolicy.RETAIN or RemovalPolicy.DESTROY, got {got}."
            )

    def together(self, **values: object) -> None:
        """All of ``values`` are given, or none. Raises ``ValueError``."""
        if len({value is None for value in values.values()}) > 1:
            got = ", ".join(f"{name}={value!r}" for name, value in values.items())
            raise self.refusal(f"{' and '.join(values)} go together, got {got}.")

    def refusal(self, problem: str) -> ValueError:
        """The error for props that do not go together."""
        return ValueError(f"{self._where}: {problem}")
