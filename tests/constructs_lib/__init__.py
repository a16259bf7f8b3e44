"""Tests of the constructs, on the templates that they make."""
