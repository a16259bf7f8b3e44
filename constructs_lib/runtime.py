"""The one runtime of every Python function."""

from aws_cdk import aws_lambda as lambda_

RUNTIME = lambda_.Runtime.PYTHON_3_13
PYTHON_VERSION = "3.13"
ARCHITECTURE = lambda_.Architecture.ARM_64
#: uv's name of Lambda's platform: Amazon Linux 2023 has glibc 2.34, and some wheels exist for 2.28 only.
WHEEL_PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
