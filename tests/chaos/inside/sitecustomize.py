"""Ends a worker's process at a named step, or moves its clock. On the path of chaos runs' functions only.

Python imports a module of this name at its start. An order is a file in the folder ``PRENSA_CHAOS_FOLDER``,
named after the step; the process that comes to the step takes it by renaming it, so that one does. Nothing of
this is deployed, and nothing of what is deployed knows of it.
"""

import ctypes
import functools
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

_FOLDER = Path(os.environ.get("PRENSA_CHAOS_FOLDER", ""))


def _taken(step: str, report_id: str) -> str | None:
    """The text of the order for ``step``, if there is one and nobody else has taken it."""
    order = _FOLDER / step
    mine = _FOLDER / f"{step}.{os.getpid()}"
    try:
        order.rename(mine)
    except FileNotFoundError:
        return None
    text = mine.read_text()
    mine.write_text(report_id)
    mine.rename(_FOLDER / f"{step}.taken")
    return text


def _die_at(step: str, report_id: str) -> None:
    if _taken(step, report_id) is not None:
        os.kill(os.getpid(), signal.SIGKILL)


def _maybe_move_clock(report_id: str) -> None:
    order = _taken("clock", report_id)
    if order is None:
        return
    offset, seconds = order.split()
    move: Callable[[int], None] = ctypes.CDLL(None).move_clock
    move(int(offset))
    back = threading.Timer(float(seconds), move, (0,))
    back.daemon = True
    back.start()


def _after[**P, R](method: Callable[P, R], then: Callable[..., object]) -> Callable[P, R]:
    """``method``, and ``then`` with its answer and arguments before the caller gets the answer."""

    @functools.wraps(method)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        answer = method(*args, **kwargs)
        then(answer, *args)
        return answer

    return wrapped


def _wrap_repository(module: Any) -> None:
    def claimed(claim: Any, *_: object) -> None:
        if claim is not None:
            _maybe_move_clock(claim.id)
            _die_at("after_claim", claim.id)

    module.Reports.claim = _after(module.Reports.claim, claimed)
    module.Reports.succeed = _after(
        module.Reports.succeed, lambda _, __, claim: _die_at("after_commit", claim.id)
    )


def _wrap_storage(module: Any) -> None:
    def report_of(writer: Any) -> str:
        return str(writer._key).split("/")[1]

    writer = module.S3ObjectWriter
    writer.write = _after(writer.write, lambda _, writer, *__: _die_at("in_render", report_of(writer)))
    writer._upload = _after(writer._upload, lambda _, writer, *__: _die_at("after_part", report_of(writer)))
    writer.commit = _after(writer.commit, lambda _, writer: _die_at("after_upload", report_of(writer)))


class _Wrapping(MetaPathFinder, Loader):
    """Wraps the methods of a module when it is imported."""

    def __init__(self, name: str, wrap: Callable[[ModuleType], None]) -> None:
        self._name = name
        self._wrap = wrap
        self._loader: Any = None

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None:
            self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        self._wrap(module)


if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") == "prensa-worker" and "PRENSA_CHAOS_FOLDER" in os.environ:
    sys.meta_path.insert(0, _Wrapping("reporting.repository", _wrap_repository))
    sys.meta_path.insert(0, _Wrapping("reporting.storage", _wrap_storage))
