"""What each construct makes, as a whole: a change of it shows in a review.

Asset hashes and the ids made of them are left out, so that a change of a function's code is no change here.
"""

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.constructs_lib.support import ROOT, Json, new_stack, normalized, synthesized
from tests.constructs_lib.test_examples import CONSTRUCTS, example, prepared


@pytest.fixture
def as_json(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    return snapshot.use_extension(JSONSnapshotExtension)


@pytest.mark.parametrize("name", CONSTRUCTS)
def test_a_construct_makes_what_it_made(
    name: str, as_json: SnapshotAssertion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    stack = new_stack()
    exec(compile(example(name), f"{name}'s example", "exec"), prepared(stack))  # noqa: S102 - our own text
    template = normalized(synthesized(stack))
    assert _without_surroundings(template) == as_json


def _without_surroundings(template: Json) -> Json:
    """The resources of the example, without those that it takes for granted."""
    return {
        key: resource
        for key, resource in sorted(template["Resources"].items())
        if not key.startswith("Around")
    }
