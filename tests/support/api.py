"""A provider's API on this machine: the one that we ship."""

from newsletter.testing import Api, Call, Reply

__all__ = ["Api", "Call", "Reply"]
