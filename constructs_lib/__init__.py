"""Constructs for asynchronous reports on AWS: each part of Prensa by itself, and the whole as one.

``ReportService`` is the whole. The others are its parts, to be used alone or handed to it in place of its
own.
"""

from constructs_lib.broker import ActiveMqBroker
from constructs_lib.code import BundlingFailed, PythonCode
from constructs_lib.database import MySqlDatabase
from constructs_lib.distribution import SignedDistribution
from constructs_lib.identity import ApiIdentity
from constructs_lib.lanes import Lanes
from constructs_lib.network import PrivateNetwork
from constructs_lib.python_function import PythonFunction
from constructs_lib.queue_consumer import ActiveMqQueueConsumer
from constructs_lib.report_api import ReportApi, Throttle
from constructs_lib.report_service import ReportDatabase, ReportLimits, ReportService
from constructs_lib.routes import ROUTES, Route
from constructs_lib.signing_key import SigningKey
from constructs_lib.status_cache import StatusCache
from constructs_lib.tenant_quota import TenantQuota

__all__ = [
    "ROUTES",
    "ActiveMqBroker",
    "ActiveMqQueueConsumer",
    "ApiIdentity",
    "BundlingFailed",
    "Lanes",
    "MySqlDatabase",
    "PrivateNetwork",
    "PythonCode",
    "PythonFunction",
    "ReportApi",
    "ReportDatabase",
    "ReportLimits",
    "ReportService",
    "Route",
    "SignedDistribution",
    "SigningKey",
    "StatusCache",
    "TenantQuota",
    "Throttle",
]
