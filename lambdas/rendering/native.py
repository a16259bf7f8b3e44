"""The engine's inner loops in C, where they have been built.

``native`` is ``None`` elsewhere: the same is then done in Python, with the same bytes as the result.
"""

try:
    from rendering import _native as native
except ImportError:
    native = None  # type: ignore[assignment]

__all__ = ["native"]
