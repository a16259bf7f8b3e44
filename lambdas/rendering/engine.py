"""The one way into the engine."""
