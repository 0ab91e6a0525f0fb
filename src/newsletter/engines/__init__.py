"""Engines: who wakes the workers. The ledger stays the truth; whichever engine runs, the result is the same.

inline.py   several processes of this machine under one lease      worker.py  one of them
"""
