"""Writes down every AWS call of a function. On the path of the functions of a test's platform only.

Python imports a module of this name at its start. botocore itself is not imported here: a function that
makes no call does not pay for it.
"""

import importlib.util
import json
import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_PARAMETERS = ("Bucket", "Key", "SecretId")


class _Recording(MetaPathFinder):
    """Wraps ``BaseClient._make_api_call`` when botocore.client is imported."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "botocore.client":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Wrapping(spec.loader)
        return spec


class _Wrapping(Loader):
    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        client: Any = module.BaseClient
        call = client._make_api_call

        def recorded(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
            line = {
                "function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME"),
                "service": self.meta.service_model.service_name,
                "operation": operation,
                **{name: parameters[name] for name in _PARAMETERS if name in parameters},
            }
            # One write of less than a page: lines of several processes do not mix.
            descriptor = os.open(os.environ["PRENSA_CALLS_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, (json.dumps(line) + "\n").encode())
            os.close(descriptor)
            return call(self, operation, parameters)

        client._make_api_call = recorded


if "PRENSA_CALLS_FILE" in os.environ:
    sys.meta_path.insert(0, _Recording())
