"""``python -m tools.diff``: the exit code is 0, 2 with destructive changes not acknowledged, 1 on errors."""

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from tools.diff import cdk
from tools.diff.assembly import SynthesisFailed
from tools.diff.comparison import Comparison, compare_deployed, compare_revision
from tools.diff.report import as_markdown, as_text
from tools.diff.revision import NoSuchRevision, merge_base

_ENVIRONMENTS = ("dev", "staging", "prod")
_ACKNOWLEDGE_LINE = re.compile(r"^\s*acknowledge:(.*)$", re.IGNORECASE | re.MULTILINE)


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, print and write; an error that a person can act on is a line or two, not a traceback."""
    arguments = _parser().parse_args(argv)
    # Whoever ends this also wants the worktree removed. SIGINT is named because a shell starts what runs
    # behind it with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        comparison = _compared(arguments)
    except (NoSuchRevision, SynthesisFailed, cdk.CdkFailed, OSError) as error:
        print(f"diff: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("diff: stopped", file=sys.stderr)
        return 130
    sys.stdout.write(as_text(comparison))
    if arguments.markdown is not None:
        arguments.markdown.write_text(as_markdown(comparison), encoding="utf-8")
    return 2 if comparison.open_findings() else 0


def acknowledged_in(text: str) -> list[str]:
    """The names after ``Acknowledge:`` at the start of a line, of each such line."""
    return [name for line in _ACKNOWLEDGE_LINE.findall(text) for name in _names(line)]


def _compared(arguments: argparse.Namespace) -> Comparison:
    environments = arguments.env or list(_ENVIRONMENTS)
    repository = arguments.repository.resolve()
    cdk.install()
    if arguments.base is None:
        if not arguments.env:
            raise cdk.CdkFailed(
                "Say what to compare with: BASE=main for a revision, ENV=dev for what is deployed as dev."
            )
        return compare_deployed(repository=repository, environments=environments)
    acknowledged = _names(arguments.acknowledge)
    if arguments.acknowledge_file is not None:
        acknowledged += acknowledged_in(arguments.acknowledge_file.read_text(encoding="utf-8"))
    revision = label = arguments.base
    if arguments.merge_base:
        revision = merge_base(repository=repository, revision=revision)
        label = f"{arguments.base} at {revision[:12]}"
    return compare_revision(
        repository=repository,
        revision=revision,
        label=label,
        environments=environments,
        acknowledged=acknowledged,
    )


def _names(text: str) -> list[str]:
    # Names are often copied as code.
    return [name for part in text.split(",") if (name := part.strip().strip("`"))]


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.diff", description="Tell what a change would do to the stacks."
    )
    parser.add_argument("--base", metavar="REVISION", help="compare with this revision, without credentials")
    parser.add_argument(
        "--merge-base", action="store_true", help="compare with where the working tree's branch left the base"
    )
    parser.add_argument(
        "--env",
        action="append",
        metavar="NAME",
        help="an environment, again for a further one; with a base all of them by default",
    )
    parser.add_argument(
        "--acknowledge", default="", metavar="NAMES", help="logical ids or stacks, with commas between"
    )
    parser.add_argument(
        "--acknowledge-file", type=Path, metavar="FILE", help="a text with lines 'Acknowledge: NAMES'"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the comment of a pull request")
    parser.add_argument(
        "--repository",
        type=Path,
        default=cdk.REPOSITORY,
        metavar="FOLDER",
        help="the working tree to compare",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
