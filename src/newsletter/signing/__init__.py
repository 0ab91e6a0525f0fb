"""Signing: what proves to a receiver that a message is ours and unchanged."""
