"""Where the code of Prensa's functions is: beside this package in the repository, inside it in the wheel."""

from pathlib import Path

from constructs_lib.code import PythonCode

_PACKAGE = Path(__file__).resolve().parent
_INSIDE = _PACKAGE / "assets"
_ROOT = _INSIDE if _INSIDE.is_dir() else _PACKAGE.parent

#: What a function needs at run time beside the modules that it imports.
_DATA = {
    "api": ("reporting/certificates",),
    "worker": ("reporting/certificates", "rendering/fonts"),
    "relay": ("reporting/certificates",),
    "dead_letters": ("reporting/certificates",),
    "migrator": ("reporting/certificates", "migrator/migrations"),
    "signing_key": (),
}
#: Where the bundle's parts are in the function.
TASK_ROOT = "/var/task"
RDS_AUTHORITIES = f"{TASK_ROOT}/reporting/certificates/rds-authorities.pem"
REPORT_TYPES = "report_types"


def function_code(name: str, *, report_types: Path | None = None) -> PythonCode:
    """The code of the function ``name``; ``report_types`` is a folder that goes into its bundle."""
    return PythonCode(
        sources=_ROOT / "lambdas",
        handler=f"{name}.handler.handler",
        requirements=_ROOT / "requirements" / f"{name}.txt",
        data=_DATA[name],
        folders={REPORT_TYPES: report_types} if report_types is not None else {},
    )
