"""Serving: what every server of this machine needs, whichever pages it has.

listening.py   a port, opened or refused with a word that helps
ending.py      the end of a web server, which leaves nobody waiting
running.py     a web server for a loop that turns, and a wait for Ctrl-C
signals.py     what asks a process to end, handled for a while
guard.py       whether a browser was sent by our own page
"""
