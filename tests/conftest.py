"""Settings for every test of the project."""

from hypothesis import HealthCheck, settings

# The first use of Unicode tables is slow and the machine may be busy: neither is a failure. The same
# examples each run, so that a failure is about the change at hand.
settings.register_profile(
    "prensa", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("prensa")
