"""The only place that knows SQL: the list, the mailings and their ledger, over SQLite.

database.py     open, lock, translate errors        schema.py   the tables, as SQLAlchemy sees them
upgrade.py      from an older database to this one   migrations/ one file a step
subscribers.py  the list                             segments.py a rule as a condition
keys.py         the secrets that links are signed with
"""
