"""``python -m tools.diff.comment``: puts a text on a pull request, as one comment that is updated."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.diff.report import MARKER, fitted


class CommentFailed(RuntimeError):
    """GitHub's CLI could not read or write the comments."""


def main(argv: Sequence[str] | None = None) -> int:
    """Join the files into one comment and post it, or update the one that has the marker."""
    parser = argparse.ArgumentParser(prog="python -m tools.diff.comment", description=__doc__)
    parser.add_argument("--repository", required=True, metavar="OWNER/NAME")
    parser.add_argument("--pull-request", required=True, type=int, metavar="NUMBER")
    parser.add_argument(
        "files", nargs="+", type=Path, help="texts that python -m tools.diff --markdown wrote"
    )
    arguments = parser.parse_args(argv)
    try:
        body = joined([file.read_text(encoding="utf-8") for file in arguments.files])
        post(repository=arguments.repository, pull_request=arguments.pull_request, body=body)
    except (CommentFailed, OSError) as error:
        print(f"comment: {error}", file=sys.stderr)
        return 1
    return 0


def joined(texts: Sequence[str]) -> str:
    """The texts as one comment, with one marker, no longer than GitHub takes."""
    return fitted([MARKER, *(text.replace(MARKER, "").strip() for text in texts)])


def post(*, repository: str, pull_request: int, body: str) -> None:
    """Update the comment of the workflow's own account that has the marker, or write the first.

    Raises :class:`CommentFailed`.
    """
    comments = f"repos/{repository}/issues/{pull_request}/comments"
    pages = json.loads(_gh("--paginate", "--slurp", f"{comments}?per_page=100") or "[]")
    # Anyone can write the marker, so only a bot's comment is ours.
    own: list[dict[str, Any]] = [
        comment
        for page in pages
        for comment in page
        if comment["user"]["type"] == "Bot" and comment["body"].startswith(MARKER)
    ]
    request = json.dumps({"body": body})
    if own:
        _gh(
            "--method",
            "PATCH",
            "--input",
            "-",
            f"repos/{repository}/issues/comments/{own[0]['id']}",
            given=request,
        )
    else:
        _gh("--method", "POST", "--input", "-", comments, given=request)


def _gh(*arguments: str, given: str | None = None) -> str:
    try:
        finished = subprocess.run(
            ["gh", "api", *arguments],
            input=given,
            capture_output=True,
            text=True,
            env=os.environ,
            check=False,
        )
    except FileNotFoundError as error:
        raise CommentFailed("GitHub's CLI, gh, was not found.") from error
    if finished.returncode != 0:
        raise CommentFailed(f"gh api {arguments[-1]} failed: {finished.stderr.strip()}")
    return finished.stdout


if __name__ == "__main__":
    sys.exit(main())
