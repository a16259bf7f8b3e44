"""Who may call the API: clients of a Cognito user pool."""

import re

from aws_cdk import Aws, Duration, Fn, Names, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from constructs_lib.props import Checks
from constructs_lib.routes import RESOURCE_SERVER, SCOPES

_LONGEST_PREFIX = 48
#: Words that a domain's prefix must not have in it.
#: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
_RESERVED = re.compile("aws|amazon|cognito")


class ApiIdentity(Construct):
    """A user pool for machines: client credentials, one client a tenant, scopes of the API.

    A client gets a token from ``token_url`` with its id and secret. Its id is its tenant: Prensa takes the
    tenant from the token and never from a body. Nobody can sign up.

    Example::

        identity = ApiIdentity(stack, "Identity")
        identity.add_client("Billing", scopes=["read", "write"])
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, removal_policy: RemovalPolicy = RemovalPolicy.RETAIN
    ) -> None:
        Checks(scope, construct_id).kept_or_destroyed(removal_policy)
        super().__init__(scope, construct_id)
        self.user_pool = cognito.UserPool(
            self,
            "Pool",
            self_sign_up_enabled=False,
            account_recovery=cognito.AccountRecovery.NONE,
            deletion_protection=removal_policy != RemovalPolicy.DESTROY,
            removal_policy=removal_policy,
            password_policy=cognito.PasswordPolicy(
                min_length=16,
                require_digits=True,
                require_lowercase=True,
                require_symbols=True,
                require_uppercase=True,
            ),
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
        )
        self._scopes = {
            name: cognito.ResourceServerScope(scope_name=name, scope_description=description)
            for name, description in SCOPES.items()
        }
        self._resource_server = self.user_pool.add_resource_server(
            "Reports", identifier=RESOURCE_SERVER, scopes=list(self._scopes.values())
        )
        # The prefix must be free in the whole region: the account's number makes it so.
        prefix = Names.unique_resource_name(self, max_length=_LONGEST_PREFIX, separator="-").lower()
        prefix = _RESERVED.sub(lambda word: f"{word[0][0]}0{word[0][2:]}", prefix)
        domain = self.user_pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(domain_prefix=Fn.join("-", [prefix, Aws.ACCOUNT_ID])),
        )
        self.token_url = f"{domain.base_url()}/oauth2/token"

    def add_client(
        self, construct_id: str, *, scopes: list[str], token_validity: Duration | None = None
    ) -> cognito.UserPoolClient:
        """A client with its own secret, which may ask for tokens with ``scopes`` (of read, write, admin)."""
        check = Checks(self, construct_id)
        check.sequence("scopes", scopes, of="scopes")
        for name in scopes:
            check.one_of("scopes", name, tuple(self._scopes))
        if not scopes:
            # Cognito refuses such a client, when it is deployed.
            raise check.refusal(f"scopes must be 1 or more of {', '.join(self._scopes)}, got none.")
        if token_validity is not None and not token_validity.is_unresolved():
            # https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
            minutes = token_validity.to_minutes(integral=False)
            check.number("token_validity in minutes", minutes, low=5, high=24 * 60)
        return self.user_pool.add_client(
            construct_id,
            generate_secret=True,
            access_token_validity=token_validity or Duration.hours(1),
            enable_token_revocation=True,
            prevent_user_existence_errors=True,
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(client_credentials=True),
                scopes=[
                    cognito.OAuthScope.resource_server(self._resource_server, self._scopes[name])
                    for name in scopes
                ],
            ),
        )
