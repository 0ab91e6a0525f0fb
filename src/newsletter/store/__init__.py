"""The only place that knows SQL: the list, the mailings and their ledger, over SQLite.

database.py     open, lock, translate errors         engine.py      the same for SQLAlchemy
schema.py       the tables                           upgrade.py     from an older database to this one
migrations/     one file a step
subscribers.py  the list                             imports.py     many people at once
consents.py     what people agreed to                changes.py      what they do with their entry
seals.py        what stays of who is forgotten
segments.py     a rule as a condition                keys.py        the secrets that links are signed with
mailings.py     what is sent, and by whom            ledger.py      one row a recipient, claimed and recorded
joining.py      a new entry, and what is known of an address
notices.py      confirmations, welcomes and the like, until they are sent
"""
