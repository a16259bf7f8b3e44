"""What `make diff` calls destructive, and how it compares revisions."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from tests.parts.processes import eventually
from tools.diff import cdk, comment
from tools.diff.__main__ import acknowledged_in
from tools.diff.assembly import NOTHING, Assembly, Stack, synthesize
from tools.diff.code_changes import take_code_out
from tools.diff.comparison import Comparison, EnvironmentChange, StackChange, compare_assemblies
from tools.diff.destructive import Finding, find
from tools.diff.report import LIMIT, MARKER, as_markdown, as_text
from tools.diff.stateful import STATEFUL

ROOT = Path(__file__).parents[2]
DATABASE = "AWS::RDS::DBInstance"
KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def stack(resources: Mapping[str, Any], *, name: str = "Prensa-dev-Data", protected: bool = False) -> Stack:
    return Stack(
        name=name,
        selector=name,
        file=None,
        template={"Resources": dict(resources)},
        termination_protection=protected,
    )


def assembly(*stacks: Stack) -> Assembly:
    return Assembly(folder=None, stacks={stack.name: stack for stack in stacks})


def changed(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], *, new: Mapping[str, Any] = KEPT
) -> list[str]:
    """The findings for one resource whose properties become ``after`` and its policies ``new``."""
    base = stack({"It": {"Type": kind, "Properties": dict(before), **KEPT}})
    head = stack({"It": {"Type": kind, "Properties": dict(after), **new}})
    return [finding.text for finding in find(base=assembly(base), head=assembly(head))]


@pytest.mark.parametrize("kind", STATEFUL)
def test_a_removed_resource_is_destructive_and_told_with_what_becomes_of_it(kind: str) -> None:
    base = stack({"It": {"Type": kind, **KEPT}, "Log": {"Type": "AWS::Logs::LogGroup"}})
    (finding,) = find(base=assembly(base), head=assembly(stack({})))
    assert finding.place == "Prensa-dev-Data/It"
    assert finding.text.startswith(f"{kind} is removed: DeletionPolicy Retain, it stays")
    assert finding.url is not None
    assert finding.url.startswith("https://docs.aws.amazon.com/AWSCloudFormation/")


def test_without_a_policy_a_database_gets_a_snapshot_and_a_bucket_is_deleted() -> None:
    base = stack({"Db": {"Type": DATABASE}, "Files": {"Type": "AWS::S3::Bucket"}})
    texts = [finding.text for finding in find(base=assembly(base), head=assembly(stack({})))]
    assert texts == [
        f"{DATABASE} is removed: DeletionPolicy Snapshot, it is deleted after a snapshot",
        "AWS::S3::Bucket is removed: DeletionPolicy Delete, it is deleted with what it holds",
    ]


def test_a_removed_stack_is_destructive_if_it_holds_state() -> None:
    base = assembly(
        stack({"Db": {"Type": DATABASE, **KEPT}}),
        stack({"Role": {"Type": "AWS::IAM::Role"}}, name="Prensa-dev-Roles"),
    )
    (finding,) = find(base=base, head=assembly())
    assert (finding.stack, finding.logical_id) == ("Prensa-dev-Data", None)
    assert "the stack is removed, with Db (AWS::RDS::DBInstance" in finding.text


def test_another_type_under_the_same_logical_id_replaces() -> None:
    base = stack({"It": {"Type": DATABASE, **KEPT}})
    head = stack({"It": {"Type": "AWS::RDS::DBCluster", **KEPT}})
    (finding,) = find(base=assembly(base), head=assembly(head))
    assert finding.text.startswith(f"{DATABASE} becomes AWS::RDS::DBCluster")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (kind, path)
        for kind, known in STATEFUL.items()
        for path in sorted(known.replacing | known.fixed | known.regenerating)
    ],
)
def test_a_property_that_replaces_is_destructive(kind: str, path: str) -> None:
    def properties(value: str) -> dict[str, Any]:
        first, _, rest = path.partition(".")
        return {first: {rest: value} if rest else value}

    (text,) = changed(kind, properties("one"), properties("other"))
    assert path in text
    assert changed(kind, properties("one"), properties("one")) == []
    assert len(changed(kind, {}, properties("one"))) == 1


def test_a_property_that_does_not_replace_is_not_destructive() -> None:
    assert changed(DATABASE, {"AllocatedStorage": "20"}, {"AllocatedStorage": "40"}) == []


def test_a_value_known_only_when_deployed_may_replace() -> None:
    (text,) = changed(DATABASE, {"KmsKeyId": {"Ref": "One"}}, {"KmsKeyId": {"Ref": "Other"}})
    assert text.startswith(f"{DATABASE} may be replaced (KmsKeyId)")


@pytest.mark.parametrize("kind", STATEFUL)
def test_the_table_has_every_property_that_the_schema_says_can_only_be_created(kind: str) -> None:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    only_created = {path.removeprefix("/properties/") for path in schema.get("createOnlyProperties", [])}
    known = STATEFUL[kind]
    assert only_created <= known.replacing
    listed = {
        path.split(".")[0] for path in (*known.replacing, *known.fixed, *known.regenerating, *known.growing)
    }
    assert listed <= set(schema["properties"])


def test_an_attribute_lost_by_a_user_pool_and_a_key_lost_by_its_group_are_destructive() -> None:
    kind = "AWS::Cognito::UserPool"
    before = {"Schema": [{"Name": "tenant"}, {"Name": "plan"}]}
    assert changed(kind, before, {"Schema": [{"Name": "plan"}]}) == [f"Schema of {kind} loses tenant"]
    assert changed(kind, before, {"Schema": [*before["Schema"], {"Name": "more"}]}) == []
    group = "AWS::CloudFront::KeyGroup"
    (text,) = changed(group, {"KeyGroupConfig": {"Items": [{"Ref": "A"}]}}, {"KeyGroupConfig": {"Items": []}})
    assert "KeyGroupConfig.Items" in text


@pytest.mark.parametrize(
    ("attribute", "before", "after"),
    [
        ("DeletionPolicy", "Retain", "Delete"),
        ("DeletionPolicy", "Snapshot", "Delete"),
        ("DeletionPolicy", "Retain", "Snapshot"),
        ("UpdateReplacePolicy", "Retain", "Delete"),
        ("UpdateReplacePolicy", "RetainExceptOnCreate", None),
    ],
)
def test_a_weakened_policy_is_destructive_and_a_stronger_one_is_not(
    attribute: str, before: str, after: str | None
) -> None:
    weak = {attribute: after} if after is not None else {}
    old = stack({"It": {"Type": "AWS::S3::Bucket", attribute: before}})
    new = stack({"It": {"Type": "AWS::S3::Bucket", **weak}})
    (finding,) = find(base=assembly(old), head=assembly(new))
    assert f"{attribute} from {before} to {after or 'Delete'}" in finding.text
    assert find(base=assembly(new), head=assembly(old)) == []


@pytest.mark.parametrize(
    ("kind", "on", "off"),
    [(DATABASE, True, False), (DATABASE, "true", None), ("AWS::Cognito::UserPool", "ACTIVE", "INACTIVE")],
)
def test_deletion_protection_switched_off_is_destructive(kind: str, on: object, off: object) -> None:
    after = {} if off is None else {"DeletionProtection": off}
    texts = changed(kind, {"DeletionProtection": on}, after)
    assert texts == [f"DeletionProtection of {kind} is switched off"]
    assert changed(kind, after, {"DeletionProtection": on}) == []


def test_termination_protection_switched_off_is_destructive() -> None:
    on, off = assembly(stack({}, protected=True)), assembly(stack({}))
    (finding,) = find(base=on, head=off)
    assert (finding.place, finding.text) == ("Prensa-dev-Data", "termination protection is switched off")
    assert find(base=off, head=on) == []


def comparison(*findings: Finding, acknowledged: tuple[str, ...] = (), text: str = "") -> Comparison:
    stacks = [StackChange(name="Prensa-dev-Data", state="changed", text=text)]
    change = EnvironmentChange(environment="dev", findings=findings, stacks=stacks)
    return Comparison(title="Compared", environments=[change], acknowledged=acknowledged)


@pytest.mark.parametrize("name", ["Db", "Prensa-dev-Data", "Prensa-dev-Data/Db"])
def test_a_finding_is_acknowledged_by_its_id_its_stack_or_both(name: str) -> None:
    finding = Finding(stack="Prensa-dev-Data", logical_id="Db", text="gone")
    assert comparison(finding).open_findings() == [("dev", finding)]
    done = comparison(finding, acknowledged=(name, "Dbb"))
    assert done.open_findings() == []
    assert done.unused_acknowledgements() == ["Dbb"]
    assert "called so: Dbb" in as_text(done)


def test_acknowledgements_are_read_from_a_description() -> None:
    text = "Moves the data.\r\n\r\nAcknowledge: `Db`, Prensa-dev-Data\nnot Acknowledge: X\nacknowledge: Y"
    assert acknowledged_in(text) == ["Db", "Prensa-dev-Data", "Y"]


def test_the_comment_tells_what_is_destroyed_first() -> None:
    finding = Finding(
        stack="Prensa-dev-Data", logical_id="Db", text="gone", url="https://docs.aws.amazon.com/x"
    )
    text = as_markdown(comparison(finding, text="[~] AWS::IAM::Role"))
    assert text.startswith(MARKER)
    assert (
        text.index("Prensa-dev-Data/Db`: gone") < text.index("<details>") < text.index("[~] AWS::IAM::Role")
    )


def test_a_comment_that_is_too_long_is_cut_with_a_note_outside_its_blocks() -> None:
    text = comment.joined([as_markdown(comparison(text="\n".join(["[~] line"] * 20_000)))] * 2)
    assert len(text) <= LIMIT
    assert text.count(MARKER) == 1
    assert text.count("<details>") == text.count("</details>")
    assert text.count("~~~~") % 2 == 0
    assert "The rest was cut" in text[text.rindex("</details>") :]


@pytest.mark.parametrize(
    ("comments", "call"),
    [
        ([], "--method POST --input - repos/o/n/issues/7/comments"),
        (
            [
                {"id": 1, "body": f"{MARKER} a person's", "user": {"type": "User"}},
                {"id": 2, "body": f"{MARKER} ours", "user": {"type": "Bot"}},
            ],
            "--method PATCH --input - repos/o/n/issues/comments/2",
        ),
    ],
)
def test_the_comment_is_written_once_and_then_updated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comments: list[Any], call: str
) -> None:
    (tmp_path / "comments.json").write_text(json.dumps([comments]), encoding="utf-8")
    gh = tmp_path / "gh"
    gh.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n'
        f'case "$*" in *--paginate*) cat {tmp_path}/comments.json ;; *) cat > {tmp_path}/sent ;; esac\n',
        encoding="utf-8",
    )
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "diff.md").write_text("the text", encoding="utf-8")
    arguments = ["--repository", "o/n", "--pull-request", "7", str(tmp_path / "diff.md")]
    assert comment.main(arguments) == 0
    assert (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[1:] == [f"api {call}"]
    sent = json.loads((tmp_path / "sent").read_text(encoding="utf-8"))
    assert sent == {"body": f"{MARKER}\n\nthe text\n"}


def function(code: str, *, memory: int = 128) -> dict[str, Any]:
    version = f"WorkerVersion{code}"
    return {
        "Resources": {
            "Worker": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Code": {"S3Key": f"{code}.zip"}, "MemorySize": memory},
            },
            version: {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Worker"}}},
            "Alias": {
                "Type": "AWS::Lambda::Alias",
                "Properties": {"FunctionVersion": {"Fn::GetAtt": [version, "Version"]}},
            },
        }
    }


def test_changed_code_is_one_line_and_not_a_difference() -> None:
    base, head = function("a1"), function("b2")
    untouched = copy.deepcopy(base)
    normalized = take_code_out(base=base, head=head)
    assert normalized.code_changed == ("Worker",)
    assert normalized.base == head
    assert base == untouched
    change = StackChange(name="S", state="changed", code_changed=("Worker",))
    text = as_text(
        Comparison(title="C", environments=[EnvironmentChange(environment="dev", stacks=[change])])
    )
    assert text.count("code changed") == 1


def test_changed_configuration_beside_changed_code_stays_a_difference() -> None:
    normalized = take_code_out(base=function("a1"), head=function("b2", memory=256))
    assert normalized.code_changed == ("Worker",)
    assert normalized.base["Resources"]["Worker"]["Properties"]["MemorySize"] == 128


def test_before_there_was_an_app_every_stack_is_new(tmp_path: Path) -> None:
    base = synthesize(source=tmp_path, environment="dev", output=tmp_path / "out", label="base")
    assert base == NOTHING
    head = assembly(stack({"Db": {"Type": DATABASE}}))
    with ThreadPoolExecutor() as pool:
        change = compare_assemblies(environment="dev", base=base, head=head, folder=tmp_path, pool=pool)
    assert change.findings == []
    assert [(stack.name, stack.state) for stack in change.stacks] == [("Prensa-dev-Data", "new")]


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    ).stdout


def commit_all(folder: Path) -> None:
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "base")


def command(repository: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tools.diff", "--repository", str(repository), *arguments]


def run_diff(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(repository, *arguments), cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The CDK app in a repository of its own, as it is in the working tree."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("stacks", "constructs_lib", "lambdas", "report_types", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "cdk.json", "requirements.txt"):
        shutil.copy(ROOT / name, folder / name)
    commit_all(folder)
    return folder


def test_the_app_compared_with_itself_has_no_difference(project: Path) -> None:
    finished = run_diff(project, "--base", "HEAD", "--env", "dev")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "dev: no difference" in finished.stdout


def test_an_environment_that_no_longer_keeps_its_data_is_refused(project: Path, tmp_path: Path) -> None:
    environments = project / "stacks" / "environments.py"
    source = environments.read_text(encoding="utf-8")
    assert '    name="staging",\n' in source
    environments.write_text(
        source.replace('    name="staging",\n', '    name="staging",\n    keep_data=False,\n'),
        encoding="utf-8",
    )
    with (project / "lambdas" / "relay" / "handler.py").open("a", encoding="utf-8") as handler:
        handler.write("# changed\n")
    finished = run_diff(
        project, "--base", "HEAD", "--env", "staging", "--markdown", str(tmp_path / "diff.md")
    )
    assert finished.returncode == 2, finished.stdout + finished.stderr
    destructive, _, rest = finished.stdout.partition("\nstaging: stacks:")
    assert "! Prensa-staging-Data: termination protection is switched off" in destructive
    assert "DeletionProtection of AWS::RDS::DBInstance is switched off" in destructive
    assert "[~] AWS::RDS::DBInstance Data/Database/Instance" in rest
    assert rest.count("code changed") == 1
    assert "S3Key" not in rest
    assert "Destructive in staging" in (tmp_path / "diff.md").read_text(encoding="utf-8")
    assert len(git(project, "worktree", "list").splitlines()) == 1


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A repository whose app does what the variable APP says."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "app.py").write_text("import os\nexec(os.environ['APP'])\n", encoding="utf-8")
    commit_all(folder)
    return folder


def test_an_app_that_fails_is_an_error_and_leaves_no_worktree(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP", "raise SystemExit('no such construct')")
    finished = run_diff(small, "--base", "main", "--env", "dev")
    assert finished.returncode == 1
    assert "app.py failed for dev" in finished.stderr
    assert "no such construct" in finished.stderr
    assert len(git(small, "worktree", "list").splitlines()) == 1


def test_an_environment_that_neither_revision_knows_is_an_error_with_the_apps_words(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP", "raise SystemExit('Say which environment: NAME one of dev')")
    finished = run_diff(small, "--base", "main", "--env", "qa")
    assert (finished.returncode, "NAME one of dev" in finished.stderr) == (1, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_apps_and_leaves_no_worktree(
    small: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    cdk.install()
    started = small.parent / "started"
    monkeypatch.setenv("APP", f"import time; open({str(started)!r}, 'w').close(); time.sleep(60)")
    # As a shell starts what runs behind it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = subprocess.Popen(command(small, "--base", "main", "--env", "dev"), cwd=ROOT)
    signal.signal(signal.SIGINT, before)
    eventually(started.exists, what="the app")
    process.send_signal(number)
    # Before the app itself would end.
    assert process.wait(timeout=50) == 130
    assert len(git(small, "worktree", "list").splitlines()) == 1


def test_an_unknown_base_is_an_error_that_says_what_to_do(small: Path) -> None:
    finished = run_diff(small, "--base", "nowhere", "--env", "dev")
    assert finished.returncode == 1
    assert "git knows no revision 'nowhere'" in finished.stderr


def test_neither_base_nor_environment_is_an_error_that_names_both(small: Path) -> None:
    finished = run_diff(small)
    assert finished.returncode == 1
    assert "BASE=main" in finished.stderr
    assert "ENV=dev" in finished.stderr


def test_without_credentials_the_deployed_stacks_are_an_error_that_says_so(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_") and name != "AWS_CA_BUNDLE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(small.parent / "none"))
    (small / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} app.py"}), encoding="utf-8")
    (small / "app.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from stacks.node import use_packaged_node\nuse_packaged_node()\n"
        "import aws_cdk as cdk\napp = cdk.App()\n"
        "cdk.CfnResource(cdk.Stack(app, 'One'), 'Topic', type='AWS::SNS::Topic')\napp.synth()\n",
        encoding="utf-8",
    )
    finished = run_diff(small, "--env", "dev")
    assert finished.returncode == 1
    assert "AWS credentials of the account are needed" in finished.stderr


def test_the_cli_is_installed_once() -> None:
    cdk.install()
    stamp = ROOT / ".local/tools/cdk/.installed"
    before = stamp.stat()
    cdk.install()
    assert (stamp.stat().st_ino, stamp.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
