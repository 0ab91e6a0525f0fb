"""The verbs: each use case is a function that is handed its parts.

plan.py      whom an issue would go to, and freezing that       publish.py  issue → edition → plan → send
send.py      claim, compose, deliver, record → write_down.py    test.py     one marked copy, outside the ledger
reconcile.py settle what is uncertain
"""
