"""Starts ministack with one IAM user, so that every request's signature is checked.

Runs in the object store's own environment, and therefore imports nothing of this project. ministack takes
its root key on trust even with AUTH=true; only keys of IAM users are verified, and those it makes at
random on each start. This seeds a user whose key is given in USER_ACCESS_KEY_ID and
USER_SECRET_ACCESS_KEY, with the rights that the functions' roles together have.
"""

import json
import os

from ministack.app import main
from ministack.services import iam

_USER = "prensa"
_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "secretsmanager:*"], "Resource": "*"}],
}


def seed_user(*, access_key_id: str, secret_access_key: str) -> None:
    """Create the user, its key and its policy in ministack's memory."""
    iam._create_user({"UserName": _USER})
    iam._put_user_policy({"UserName": _USER, "PolicyName": "platform", "PolicyDocument": json.dumps(_POLICY)})
    iam._access_keys[access_key_id] = {
        "UserName": _USER,
        "AccessKeyId": access_key_id,
        "SecretAccessKey": secret_access_key,
        "Status": "Active",
        "CreateDate": iam._now(),
    }


if __name__ == "__main__":
    seed_user(
        access_key_id=os.environ.pop("USER_ACCESS_KEY_ID"),
        secret_access_key=os.environ.pop("USER_SECRET_ACCESS_KEY"),
    )
    main()
