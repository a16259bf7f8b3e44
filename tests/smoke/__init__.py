"""Deploys the app to an emulator of AWS: `make deploy-smoke`. pytest collects nothing of it.

It is no evidence that AWS accepts the app: see :mod:`tests.smoke.run`.
"""
