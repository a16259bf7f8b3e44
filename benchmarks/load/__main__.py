"""``make load``: the service under load, on local platforms of its own. Ends with 1 if anything went wrong.

Writes ``.local/load.json`` and prints tables; ``--record`` puts them into RESULTS.md.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.load.run import QUICK, SCENES, Plan, errors, measure
from benchmarks.load.table import TITLE, scene_lines, table
from benchmarks.results import write_section
from local.home import read_json

_REPORT = Path(".local/load.json")
_SHOWN_ERRORS = 20


def main(arguments: Sequence[str]) -> int:
    wanted = _parser().parse_args(arguments)
    kept: dict[str, Any] = (read_json(_REPORT) or {}) if wanted.keep else {}
    found = kept | measure(_plan(wanted), measured=_tell)
    found["errors"] = errors(found)
    _write(found)
    if wanted.record:
        write_section(TITLE, table(found))
    for error in found["errors"][:_SHOWN_ERRORS]:
        print(error)
    return 1 if found["errors"] else 0


def _parser() -> argparse.ArgumentParser:
    plan = Plan()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="+", default=list(plan.clients), help="how many at once")
    parser.add_argument("--seconds", type=float, default=plan.seconds, help="of sustained load, each")
    parser.add_argument("--burst", type=int, default=plan.burst, help="requests of a burst")
    parser.add_argument("--waiting", type=int, default=plan.waiting, help="reports that wait for the workers")
    parser.add_argument("--flood", type=int, default=plan.flood, help="requests of the tenant that floods")
    parser.add_argument("--minutes", type=float, default=plan.minutes, help="of watching the memory")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--only", choices=SCENES, nargs="+", default=list(SCENES), help="some measurements")
    parser.add_argument("--keep", action="store_true", help="keep what load.json has of others than --only")
    parser.add_argument("--quick", action="store_true", help="a short run of all but the large files")
    parser.add_argument("--record", action="store_true", help="write the table into benchmarks/RESULTS.md")
    return parser


def _plan(wanted: Any) -> Plan:
    if wanted.quick:
        return replace(QUICK, seed=wanted.seed)
    return Plan(
        scenes=tuple(scene for scene in SCENES if scene in wanted.only),
        clients=tuple(wanted.clients),
        seconds=wanted.seconds,
        burst=wanted.burst,
        waiting=wanted.waiting,
        flood=wanted.flood,
        minutes=wanted.minutes,
        seed=wanted.seed,
    )


def _tell(scene: str, found: dict[str, Any]) -> None:
    """Print the scene at once and keep what there is: a run takes long."""
    _write(found)
    print("\n".join(scene_lines(scene, found)), end="\n\n", flush=True)


def _write(found: dict[str, Any]) -> None:
    _REPORT.parent.mkdir(exist_ok=True)
    _REPORT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
