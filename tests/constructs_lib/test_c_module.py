"""C modules in bundles: compiled for Lambda's platform, and a clear word where that can't be done."""

import importlib.util
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from constructs_lib.c_module import CompilingFailed, compile_module
from tests.constructs_lib.support import ROOT
from tests.constructs_lib.test_code import written

_MODULE = """
#define Py_LIMITED_API 0x030D0000
#include <Python.h>
static struct PyModuleDef definition = { PyModuleDef_HEAD_INIT, "_fast", NULL, 0, NULL };
PyMODINIT_FUNC PyInit__fast(void) { return PyModuleDef_Init(&definition); }
"""
#: e_machine of an ELF header.
_MACHINES = {"arm64": 183, "x86_64": 62}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "_fast.c"
    path.write_text(_MODULE)
    return path


def machine(library: Path) -> int:
    header = library.read_bytes()[:20]
    assert header[:4] == b"\x7fELF"
    return int.from_bytes(header[18:20], "little")


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_it_is_compiled_for_the_architecture_and_always_to_the_same_bytes(
    source: Path, tmp_path: Path, architecture: str
) -> None:
    made = []
    for number in range(2):
        library = tmp_path / f"{number}.so"
        compile_module(source, library, architecture)
        assert machine(library) == _MACHINES[architecture]
        made.append(library.read_bytes())
    assert made[0] == made[1]
    assert str(tmp_path).encode() not in made[0]


def test_a_module_that_is_a_c_file_goes_into_the_bundle_as_a_library(tmp_path: Path) -> None:
    code = written(
        tmp_path,
        {
            "app/__init__.py": "",
            "app/handler.py": "try:\n    from app import _fast\nexcept ImportError:\n    pass\n",
            "app/_fast.c": _MODULE,
            "app/_fast.pyi": "",
            "app/_fast.abi3.so": "built for another machine",
        },
    )
    (tmp_path / "lock.txt").write_text("")
    output = tmp_path / "out"
    output.mkdir()
    code.bundle(output, "arm64")
    assert sorted(path.name for path in (output / "app").iterdir()) == [
        "__init__.py", "_fast.abi3.so", "handler.py",
    ]  # fmt: skip
    assert machine(output / "app" / "_fast.abi3.so") == _MACHINES["arm64"]


def test_the_fingerprint_changes_with_a_c_file(tmp_path: Path) -> None:
    files = {"app/__init__.py": "", "app/handler.py": "from app import _fast\n", "app/_fast.c": _MODULE}
    code = written(tmp_path, files)
    before = code.fingerprint("arm64")
    (tmp_path / "sources" / "app" / "_fast.c").write_text(_MODULE + "\n")
    assert code.fingerprint("arm64") != before


def test_a_mistake_in_the_source_is_shown(tmp_path: Path) -> None:
    source = tmp_path / "_wrong.c"
    source.write_text("int wrong(void) { return missing; }\n")
    with pytest.raises(CompilingFailed, match=r"_wrong\.c could not be compiled:\n.*missing"):
        compile_module(source, tmp_path / "wrong.so", "arm64")


def test_an_unknown_architecture_is_named_with_those_that_are_known(source: Path, tmp_path: Path) -> None:
    with pytest.raises(CompilingFailed, match="'riscv64'; known are: arm64, x86_64"):
        compile_module(source, tmp_path / "out.so", "riscv64")


def test_a_missing_compiler_is_named_with_what_to_do(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CompilingFailed, match="pip install ziglang"):
        compile_module(source, tmp_path / "out.so", "arm64")


def test_missing_headers_are_named_with_what_to_do(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    with pytest.raises(CompilingFailed, match=r"python3\.13-dev"):
        compile_module(source, tmp_path / "out.so", "arm64")


def test_as_a_script_it_says_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    script = ROOT / "constructs_lib" / "c_module.py"
    finished = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "none.c"), str(tmp_path / "none.so")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert "none.c could not be compiled" in finished.stderr
    assert "Traceback" not in finished.stderr
