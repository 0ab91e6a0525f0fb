"""Write a newsletter in Markdown, see it as its readers will, and send it to every one of them exactly once."""

__version__ = "0.1.0"
