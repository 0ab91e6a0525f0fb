"""The pages of `newsletter serve`: joining, confirming, leaving, preferences, the archive. Plain HTML, no JavaScript.

app.py         the modules below, put together behind the door
door.py        what every request passes: who asks, how large it is, and the headers of every answer
parts.py       what the handlers are handed
look.py        templates/web/ in the theme's colours, in the reader's language

A module of pages has one function, `routes(parts) -> list[Route]`, and one row in `app.MODULES`. Its handlers are
ordinary functions, `def page(parts: Parts, request: Request) -> Response`, which run in a pool of threads.
"""
