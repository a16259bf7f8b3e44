"""What the resources of AWS are on this machine: addresses, ARNs, names, secrets."""

import json
from collections.abc import Callable
from typing import Any

from local.credentials import Credentials
from local.parts import database, storage
from local.parts.broker import APP_USER, MAPPING_USER
from local.ports import LOOPBACK, Ports
from local.templates import Resource, Templates, Unresolved

BUCKET = "prensa-results"
_PSEUDO = {
    "AWS::Region": storage.REGION,
    "AWS::AccountId": storage.ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}


class LocalResources:
    """Answers for resources of the templates with the parts of one platform."""

    def __init__(self, templates: Templates, ports: Ports, credentials: Credentials) -> None:
        self._templates = templates
        self._credentials = credentials
        self._passwords = {
            database.APPLICATION_USER: credentials.database_password,
            database.READER_USER: credentials.source_password,
            APP_USER: credentials.broker_app_password,
            MAPPING_USER: credentials.broker_mapping_password,
            "default": credentials.cache_password,
        }
        self._references: dict[str, Callable[[Resource], Any]] = {
            "AWS::SecretsManager::Secret": _secret_arn,
            "AWS::S3::Bucket": lambda _: BUCKET,
            "AWS::CloudFront::PublicKey": lambda _: credentials.link_key_pair_id,
            "AWS::Lambda::Function": function_name,
            "AWS::Lambda::Version": self._function_of,
            "AWS::Lambda::Alias": self._function_of,
        }
        self._attributes: dict[tuple[str, str], Callable[[Resource], Any]] = {
            ("AWS::RDS::DBInstance", "Endpoint.Address"): lambda _: LOOPBACK,
            ("AWS::RDS::DBInstance", "Endpoint.Port"): lambda _: str(ports.database),
            ("AWS::RDS::DBInstance", "MasterUserSecret.SecretArn"): _secret_arn,
            ("AWS::ElastiCache::ReplicationGroup", "PrimaryEndPoint.Address"): lambda _: LOOPBACK,
            ("AWS::ElastiCache::ReplicationGroup", "PrimaryEndPoint.Port"): lambda _: str(ports.cache),
            ("AWS::AmazonMQ::Broker", "StompEndpoints"): lambda _: [f"stomp+ssl://{LOOPBACK}:{ports.broker}"],
            ("AWS::CloudFront::Distribution", "DomainName"): lambda _: f"{LOOPBACK}:{ports.edge}",
            ("AWS::Lambda::Function", "Arn"): function_name,
        }

    def reference(self, resource: Resource) -> Any:
        if resource.kind not in self._references:
            raise Unresolved(f"{resource} has no counterpart on this machine.")
        return self._references[resource.kind](resource)

    def attribute(self, resource: Resource, name: str) -> Any:
        key = (resource.kind, name)
        if key not in self._attributes:
            raise Unresolved(f"{name} of {resource} has no counterpart on this machine.")
        return self._attributes[key](resource)

    def pseudo(self, name: str) -> str:
        if name not in _PSEUDO:
            raise Unresolved(f"{name} has no value on this machine.")
        return _PSEUDO[name]

    def secrets(self) -> dict[str, str]:
        """The texts of Secrets Manager by name: those that the templates create, with local passwords."""
        texts = {
            _secret_name(resource): self._secret_text(resource)
            for resource in self._templates.of_kind("AWS::SecretsManager::Secret")
        }
        server = self._templates.only("AWS::RDS::DBInstance")
        texts[_secret_name(server)] = storage.user_secret(
            database.MIGRATOR_USER, self._credentials.migrator_password
        )
        return texts

    def _secret_text(self, resource: Resource) -> str:
        generated = resource.properties.get("GenerateSecretString") or {}
        template = generated.get("SecretStringTemplate")
        if template is None:
            # The one secret that the deployment itself writes: the key of signed links.
            return self._credentials.link_private_key
        username = json.loads(template)["username"]
        if username not in self._passwords:
            raise Unresolved(f"{resource} is for a user {username!r} that nobody has on this machine.")
        return storage.user_secret(username, self._passwords[username])

    def _function_of(self, resource: Resource) -> str:
        name = resource.properties["FunctionName"]["Ref"]
        return function_name(self._templates.resource(resource.stack, name))


def function_name(resource: Resource) -> str:
    """The name of a function here: the folder of its handler."""
    return str(resource.properties["Handler"]).partition(".")[0]


def _secret_name(resource: Resource) -> str:
    return f"{resource.stack}/{resource.logical_id}"


def _secret_arn(resource: Resource) -> str:
    return storage.secret_arn(_secret_name(resource))
