"""Others, doing the same job as one would use them."""
