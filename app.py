"""Entry point of `cdk`: the environment comes from the context, `cdk deploy -c env=dev`."""

import sys

from stacks.node import use_packaged_node

use_packaged_node()

from stacks.application import build_app  # noqa: E402 - after Node.js is chosen
from stacks.environments import WrongSetting  # noqa: E402

if __name__ == "__main__":
    try:
        build_app().synth()
    except WrongSetting as error:
        sys.exit(str(error))
