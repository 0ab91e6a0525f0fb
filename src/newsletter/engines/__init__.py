"""Engines: who wakes the workers. The ledger stays the truth; whichever engine runs, the result is the same.

inline.py          several processes of this machine        worker.py  one of them
procrastinate.py   workers on many machines: who wakes them
"""
