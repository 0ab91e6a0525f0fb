"""Where an author's files come from: issues on disk and what git knows of them."""
