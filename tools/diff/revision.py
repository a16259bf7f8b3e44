"""A revision's files beside the working tree."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


class NoSuchRevision(RuntimeError):
    """git does not know the base."""


@contextlib.contextmanager
def worktree(*, repository: Path, revision: str, folder: Path) -> Iterator[Path]:
    """Check ``revision`` out in ``folder``, which must not exist, and remove it whatever happens.

    Raises :class:`NoSuchRevision`.
    """
    commit = _git(
        repository, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if commit.returncode != 0:
        raise NoSuchRevision(
            f"git knows no revision {revision!r}. In a shallow clone fetch it first: "
            "git fetch --unshallow, or git fetch origin BRANCH and BASE=origin/BRANCH."
        )
    try:
        added = _git(repository, "worktree", "add", "--quiet", "--detach", str(folder), commit.stdout.strip())
        if added.returncode != 0:
            raise NoSuchRevision(f"git could not check {revision!r} out: {added.stderr.strip()}")
        yield folder
    finally:
        _git(repository, "worktree", "remove", "--force", "--force", str(folder))
        _git(repository, "worktree", "prune")


def merge_base(*, repository: Path, revision: str) -> str:
    """The commit at which the working tree's branch left ``revision``, or ``revision`` where there is none.

    What others have merged since is no change of this branch.
    """
    found = _git(repository, "merge-base", revision, "HEAD")
    return found.stdout.strip() if found.returncode == 0 else revision


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=False
    )
