"""Adds the sources that the functions are bundled from to the wheel, and nothing that was built from them."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Assets(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's own ``force-include`` takes a folder with all that is in it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        sources = Path(self.root).parent / "lambdas"
        for path in sorted(sources.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so":
                build_data["force_include"][str(path)] = f"assets/lambdas/{path.relative_to(sources)}"
