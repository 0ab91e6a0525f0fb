"""The tables. Times are whole seconds since 1970 in UTC; text that is not known is empty, never NULL.

The migrations are the truth for databases that exist; a test keeps the two in step.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    event,
    text,
)

# Constraints that a later migration may have to name have a name from the first day.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


# SQLite has one kind, and calls it so where a key counts by itself. PostgreSQL's smaller one would end in 2038.
WHOLE = BigInteger().with_variant(Integer, "sqlite")


def _text(name: str, default: str = "", *, primary_key: bool = False) -> Column[str]:
    return Column(name, Text, nullable=False, primary_key=primary_key, server_default=None if primary_key else default)


def _number(name: str, default: int = 0, *, primary_key: bool = False) -> Column[int]:
    return Column(
        name, WHOLE, nullable=False, primary_key=primary_key, server_default=None if primary_key else str(default)
    )


# What the database remembers about itself: `program`, the version that last changed its schema.
meta = Table("meta", metadata, _text("name", primary_key=True), _text("value"))

subscribers = Table(
    "subscribers",
    metadata,
    _number("id", primary_key=True),
    _text("email"),  # as the person writes it
    Column("canonical", Text, nullable=False, unique=True),  # as it is compared
    _text("first_name"),
    _text("last_name"),
    _text("name"),
    _text("language"),
    _text("status", "active"),  # newsletter.subscriber.Status
    _text("tags", "[]"),  # a JSON array of words, in the author's order
    _text("fields", "{}"),  # a JSON object of texts
    _number("joined"),  # 0: not known
    _text("source"),
    _number("created_at"),
    _number("updated_at"),
    _text("time_zone"),  # as in the IANA's database: "Europe/Paris"; "": not known
    _number("paused_until"),  # gets nothing before; 0: not paused
    _number("last_active_at"),  # when the person last did something that shows that they read this; 0: never
    # A number is never given to a second person: deliveries speak of it after its owner is gone.
    sqlite_autoincrement=True,
)

# Outlives the subscriber, so it does not refer to one.
suppressions = Table(
    "suppressions",
    metadata,
    _text("address", primary_key=True),  # canonical; of a person who is forgotten, its seal (newsletter.store.seals)
    _text("reason"),  # newsletter.suppression.Reason
    _number("since"),
    _text("source"),
)

keys = Table(
    "keys",
    metadata,
    _number("number", primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    _number("created_at"),
)

editions = Table("editions", metadata, _text("fingerprint", primary_key=True), _text("content"))

# The images that editions enclose, once each. Here and not in files: one transaction writes all that a mailing needs
# to go on, one copy saves it, and a second machine that sends finds it.
pictures = Table(
    "pictures",
    metadata,
    _text("digest", primary_key=True),  # SHA-256 of the content
    _text("type"),
    Column("content", LargeBinary, nullable=False),
)

mailings = Table(
    "mailings",
    metadata,
    _number("id", primary_key=True),
    _text("issue"),
    _text("title"),
    Column("fingerprint", Text, ForeignKey(editions.c.fingerprint), nullable=False),
    _text("sender"),
    _text("segment"),
    _text("transport"),
    _text("state"),  # newsletter.mailing.MailingState
    _number("planned_at"),
    Column("finished_at", WHOLE, nullable=True),
    _text("commit_hash"),
    _number("modified"),  # 1: the issue had changes that were not committed
    # Of programs that knew one sender a mailing only; one that is still there stops when the fence moves.
    _text("worker"),
    _number("lease_until"),
    _number("fence"),  # how often somebody began to take part
    # What all its workers have heard since the first of them began: answers, addresses that do not exist, and refusals
    # of us since somebody was not refused.
    _number("answered"),
    _number("hard"),
    _number("blocked"),
    _number("starts_at"),  # when its first delivery is due; 0: sent by who published it
    _text("local"),  # the hour on everybody's own clock, as given; "": one moment for all
    _number("spread"),  # seconds
    _text("wish"),  # newsletter.mailing.Wish
    Index(None, "issue"),
    sqlite_autoincrement=True,
)

# Who takes part in sending a mailing (newsletter.store.leases). A number is never given again: it is the fence.
workers = Table(
    "workers",
    metadata,
    _number("id", primary_key=True),
    _number("mailing_id"),
    _text("host"),
    _text("boot"),
    _number("pid"),
    _number("since"),
    _number("lease_until"),
    Index(None, "mailing_id"),
    sqlite_autoincrement=True,
)

# What the archive shows of a mailing once it has begun: its issue's page, as it was when the mailing was planned.
web_forms = Table(
    "web_forms",
    metadata,
    Column("mailing_id", WHOLE, primary_key=True, autoincrement=False),
    _text("issue"),
    _text("slug"),
    _text("fingerprint"),
    _text("content"),  # newsletter.render.web.WebForm, as JSON
)

# One row a recipient. No foreign keys: seeding a million rows would look up two million parents, and a person who is
# forgotten leaves a number behind that means nothing any more.
deliveries = Table(
    "deliveries",
    metadata,
    Column("mailing_id", WHOLE, primary_key=True, autoincrement=False),
    Column("subscriber_id", WHOLE, primary_key=True, autoincrement=False),
    _number("state"),  # newsletter.delivery.State
    _number("attempts"),
    _number("next_at"),
    _number("claim"),  # the worker that has it in hand, or had it last
    _number("code"),
    _text("enhanced"),
    _text("reply"),
    _number("updated_at"),
    _number("deferred_at"),  # when it was put off for the first time; 0: never
    # Of those that wait only, pending and deferred: a delivery is on its way three times, and an index of all would
    # have to follow it each time.
    Index(
        "ix_deliveries_waiting",
        "mailing_id",
        "state",
        "subscriber_id",
        sqlite_where=text("state IN (0, 4)"),
        postgresql_where=text("state IN (0, 4)"),
    ),
    sqlite_with_rowid=False,
)

# What is left of each limit (newsletter.limits): of a rate the credit and when it was reckoned, in milliseconds; of a
# daily cap what was used, and on which day, counted from the year 1.
tokens = Table("tokens", metadata, _text("name", primary_key=True), _number("amount"), _number("at"))

# What was offered to a provider that knows repeats, and has no answer yet (newsletter.store.batches).
batches = Table(
    "batches",
    metadata,
    Column("mailing_id", WHOLE, primary_key=True, autoincrement=False),
    Column("first_id", WHOLE, primary_key=True, autoincrement=False),  # the first of its members
    _text("provider"),
    _number("until"),  # from then on, the provider would take it for a new one
    _text("members"),  # subscribers, as a JSON array, in their order
)

# Where the mail of a domain goes, as the DNS said when it was asked.
mail_servers = Table(
    "mail_servers",
    metadata,
    _text("domain", primary_key=True),
    _text("server"),  # the best of its MX; "": it takes no mail
    _number("at"),
)

# How far each process that sends has come, by group of recipients, for `status --watch` and /metrics. Numbers only.
progress = Table(
    "progress",
    metadata,
    Column("mailing_id", WHOLE, primary_key=True, autoincrement=False),
    _text("worker", primary_key=True),  # host and process
    _text("domain_group", primary_key=True),  # newsletter.limits.GROUPS; "": all others
    _number("accepted"),
    _number("deferred"),
    _number("rejected"),
    _number("uncertain"),
    _number("at"),
)

# How many messages a sender may have under way to a group of recipients at once.
places = Table(
    "places",
    metadata,
    _text("name", primary_key=True),
    _text("holder", primary_key=True),
    _number("held"),
    _number("until"),
)

# What is heard of deliveries after the next hop took them, and its refusals, told as events. The person is a number,
# never an address. The id is the witness's: the same report read again is the same row.
events = Table(
    "events",
    metadata,
    _text("id", primary_key=True),
    _text("kind"),  # newsletter.event.EventKind
    _text("bounce"),  # newsletter.bounce.BounceClass; "": not a bounce
    _number("mailing_id"),  # 0: not known
    _number("subscriber_id"),
    _number("at"),  # when it happened, as far as the witness can be believed
    _number("received_at"),
    _number("code"),
    _text("enhanced"),
    _text("reply"),
    _text("source"),
    Index(None, "mailing_id", "subscriber_id"),
    Index(None, "subscriber_id"),
)

# What people agreed to (newsletter.consent). Written once: a trigger refuses any change. Rows go when a person is
# forgotten or expires, and only then.
consents = Table(
    "consents",
    metadata,
    _number("id", primary_key=True),
    _number("subscriber_id"),
    _number("at"),
    _text("how"),  # newsletter.consent.How
    _text("source"),
    _text("page"),
    _text("words"),
    _text("language"),
    _number("confirmed_at"),  # 0: not confirmed
    _text("network"),
    Index(None, "subscriber_id"),
    sqlite_autoincrement=True,
)
_WRITTEN_ONCE = {
    "sqlite": (
        """CREATE TRIGGER consents_are_written_once BEFORE UPDATE ON consents
        BEGIN SELECT RAISE(ABORT, 'a consent is never changed'); END""",
    ),
    "postgresql": (
        """CREATE FUNCTION consents_are_written_once() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'a consent is never changed'; END $$""",
        """CREATE TRIGGER consents_are_written_once BEFORE UPDATE ON consents
        FOR EACH ROW EXECUTE FUNCTION consents_are_written_once()""",
    ),
}
for _dialect, _statements in _WRITTEN_ONCE.items():
    for _statement in _statements:
        _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
        event.listen(consents, "after_create", _ddl.execute_if(dialect=_dialect))

# What people did with their entry, or others did for them: "left", "came back", "language, fields.city". Names of what
# changed, never the values.
changes = Table(
    "changes",
    metadata,
    _number("id", primary_key=True),
    _number("subscriber_id"),
    _number("at"),
    _text("what"),
    _text("source"),
    Index(None, "subscriber_id"),
    sqlite_autoincrement=True,
)

# Links that work once, as long as they would work otherwise.
used_tokens = Table("used_tokens", metadata, _text("digest", primary_key=True), _number("until"))

# Why people leave, in an answer of their choice: no person, and no way to one.
departures = Table(
    "departures",
    metadata,
    _number("id", primary_key=True),
    _number("at"),
    _number("mailing_id"),  # 0: not known
    _text("reason"),
    sqlite_autoincrement=True,
)

# What waits to be done for one person at a time (newsletter.store.notices).
notices = Table(
    "notices",
    metadata,
    _number("id", primary_key=True),
    _text("kind"),  # newsletter.store.notices.Kind
    _number("subscriber_id"),  # 0: not on the list yet
    _text("content"),  # of a visitor's wish, as JSON; ""
    _number("created_at"),
    _number("next_at"),
    _number("attempts"),
    _number("state"),  # newsletter.store.notices.Progress
    _text("reply"),
    _number("updated_at"),
    Index("ix_notices_waiting", "next_at", sqlite_where=text("state = 0"), postgresql_where=text("state = 0")),
    Index(None, "subscriber_id"),
    sqlite_autoincrement=True,
)

# What providers tell at our webhooks, word for word, for a while (newsletter.store.hooks). A repeat is the same row.
hooks = Table(
    "hooks",
    metadata,
    _number("id", primary_key=True),
    Column("digest", Text, nullable=False, unique=True),  # of the transport's name and the body
    _text("transport"),
    _number("received_at"),
    _number("state"),  # newsletter.store.hooks.State
    _number("events"),
    _text("trouble"),
    Column("body", LargeBinary, nullable=False),
    Index(None, "received_at"),
    sqlite_autoincrement=True,
)
