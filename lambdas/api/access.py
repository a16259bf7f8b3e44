"""Who calls: from the authorizer's claims or from the IAM identity, never from the body."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from reporting.errors import PrensaError

READ = "reports/read"
WRITE = "reports/write"
ADMIN = "reports/admin"
#: What the columns of tenants hold.
MAX_TENANT = 128


class NotAuthenticated(PrensaError):
    """The event carries neither claims nor an identity: the route was reached without its authorizer."""

    code = "unauthorized"
    title = "A valid access token is needed"


class ScopeMissing(PrensaError):
    """The token does not carry the scope that the call needs."""

    code = "insufficient_scope"
    title = "The token does not allow this"


class UnusableTenant(PrensaError):
    """The caller's tenant has a name that the database can't tell from every other one."""

    code = "unusable_tenant"
    title = "The caller's tenant can't be used"


def require_tenant(event: APIGatewayProxyEvent, *, scope: str, tenant_claim: str) -> str:
    """The caller's tenant, once it may do what ``scope`` stands for.

    With a token the tenant is the claim ``tenant_claim``; a client of the user pool that has none is a
    tenant of its own by its ``client_id``. Where API Gateway authorizes with IAM, policies say who may call
    which route, and the tenant is the role or user: ``account:role/name`` without its session.

    Raises :class:`NotAuthenticated` or :class:`ScopeMissing`.
    """
    context: Mapping[str, Any] = event["requestContext"]
    authorizer: Mapping[str, Any] = context.get("authorizer") or {}
    principal = (context.get("identity") or {}).get("userArn")
    if not authorizer and principal:
        return _usable(_principal(str(principal)))
    claims: Mapping[str, Any] = authorizer.get("claims") or {}
    tenant = claims.get(tenant_claim) or claims.get("client_id")
    if not tenant:
        raise NotAuthenticated("The request carries no access token.")
    scopes = str(claims.get("scope", "")).split()
    if scope not in scopes:
        raise ScopeMissing(f"The call needs the scope {scope}; the token has: {' '.join(scopes) or 'none'}.")
    return _usable(str(tenant))


def _usable(tenant: str) -> str:
    # To a column of text "acme" and "acme " are the same (MySQL 8.4 Reference Manual, "Trailing Space
    # Handling in Comparisons"), and a server that is not strict cuts what is longer than its column.
    if len(tenant) > MAX_TENANT or tenant != tenant.strip():
        raise UnusableTenant(
            f"A tenant's name has 1 to {MAX_TENANT} characters without a blank at either end; "
            f"the caller's has {len(tenant)}."
        )
    return tenant


def _principal(arn: str) -> str:
    """The tenant of an IAM identity, the same for every session of a role.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
    """
    *_, account, name = arn.split(":", 5)
    kind, _, rest = name.partition("/")
    if kind == "assumed-role":
        return f"{account}:role/{rest.partition('/')[0]}"
    return f"{account}:{name}"
