"""The only place that knows SQL: the list, the mailings and their ledger, over SQLite and PostgreSQL.

database.py     what both databases are to the rest  engine.py      the same for SQLAlchemy
sqlite.py       one file: open, lock, what went wrong
postgresql.py   one server: the same                 postgresql_words.py, postgresql_errors.py
dialects.py     where the two still differ           copying.py     from one to the other
schema.py       the tables                           upgrade.py     from an older database to this one
migrations/     one file a step
subscribers.py  the list                             imports.py     many people at once
consents.py     what people agreed to                changes.py      what they do with their entry
seals.py        what stays of who is forgotten
segments.py     a rule as a condition                keys.py        the secrets that links are signed with
mailings.py     what is sent, and how it stands      leases.py      who sends it
plans.py        one row a recipient, frozen          claims.py      whom to claim next, and second thoughts
ledger.py       claimed, offered, answered           batches.py     requests that a provider may be asked again
tokens.py       what is left of limits               mail_servers.py  where the mail of domains goes
rounds.py       the same in one message to a server  postgresql_questions.py  one that is not waited for
amends.py       what is learned after a send         events.py      what is heard of deliveries
life.py         whether this is an old copy
witness.py      how far a file had come, remembered outside of it
joining.py      a new entry, and what is known of an address
notices.py      confirmations, welcomes and the like, until they are sent
"""
