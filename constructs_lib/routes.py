"""The routes of the REST API and who may call them."""

from dataclasses import dataclass

RESOURCE_SERVER = "reports"
READ = f"{RESOURCE_SERVER}/read"
WRITE = f"{RESOURCE_SERVER}/write"
ADMIN = f"{RESOURCE_SERVER}/admin"
#: What each scope of the resource server allows, as Cognito shows it.
SCOPES = {
    "read": "Follow reports, download their files, read the catalogue",
    "write": "Ask for reports, cancel and delete them",
    "admin": "Look at dead letters and send them again",
}


@dataclass(frozen=True, kw_only=True)
class Route:
    """A method of the API. ``scope`` is ``None`` for what anyone may read."""

    method: str
    path: str
    scope: str | None


ROUTES = (
    Route(method="POST", path="/generate", scope=WRITE),
    Route(method="POST", path="/datasets", scope=WRITE),
    Route(method="GET", path="/status/{report_id}", scope=READ),
    Route(method="GET", path="/reports", scope=READ),
    Route(method="GET", path="/reports/{report_id}/download", scope=READ),
    Route(method="POST", path="/reports/{report_id}/cancel", scope=WRITE),
    Route(method="DELETE", path="/reports/{report_id}", scope=WRITE),
    Route(method="POST", path="/reports/{report_id}/rerun", scope=WRITE),
    Route(method="GET", path="/report-types", scope=READ),
    Route(method="GET", path="/report-types/{name}", scope=READ),
    Route(method="GET", path="/dead-letters", scope=ADMIN),
    Route(method="POST", path="/dead-letters/redrive", scope=ADMIN),
    Route(method="GET", path="/openapi.json", scope=None),
    Route(method="GET", path="/docs", scope=None),
    Route(method="GET", path="/health", scope=None),
)
