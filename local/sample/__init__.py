"""A shop with customers, products and 200,000 order items, to try reports on."""

from local.sample.loading import ensure

__all__ = ["ensure"]
