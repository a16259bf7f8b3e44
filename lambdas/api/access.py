"""Who calls: tenant and scopes from the authorizer's claims, never from the body."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from reporting.errors import PrensaError

READ = "reports/read"
WRITE = "reports/write"


class NotAuthenticated(PrensaError):
    """The event carries no claims: the route was reached without its authorizer."""

    code = "unauthorized"
    title = "A valid access token is needed"


class ScopeMissing(PrensaError):
    """The token does not carry the scope that the call needs."""

    code = "insufficient_scope"
    title = "The token does not allow this"


def require_tenant(event: APIGatewayProxyEvent, *, scope: str, tenant_claim: str) -> str:
    """The caller's tenant, once its token has ``scope``.

    The tenant is the claim ``tenant_claim``; a client of the user pool that has none is a tenant of its
    own by its ``client_id``. Raises :class:`NotAuthenticated` or :class:`ScopeMissing`.
    """
    authorizer: Mapping[str, Any] = event["requestContext"].get("authorizer") or {}
    claims: Mapping[str, Any] = authorizer.get("claims") or {}
    tenant = claims.get(tenant_claim) or claims.get("client_id")
    if not tenant:
        raise NotAuthenticated("The request carries no access token.")
    scopes = str(claims.get("scope", "")).split()
    if scope not in scopes:
        raise ScopeMissing(f"The call needs the scope {scope}; the token has: {' '.join(scopes) or 'none'}.")
    return str(tenant)
