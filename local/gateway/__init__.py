"""The REST API of API Gateway: routes, authorizer, proxy events."""
