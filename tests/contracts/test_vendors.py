"""The exports of other tools, in files written after their documented columns: nothing is lost, nobody comes back."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from newsletter.actions.import_subscribers import import_subscribers
from newsletter.errors import ListError
from newsletter.sources.list_files import open_list
from newsletter.sources.list_vendors import VENDORS
from newsletter.store import consents
from newsletter.store.subscribers import Subscribers
from tests.support.stores import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.entry import ImportReport

HERE = Path(__file__).with_name("vendors")
NOW = int(datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp())
ZOE = "2024-05-06T07:08:09"


@pytest.fixture
def people() -> Iterator[Subscribers]:
    with new_store() as database:
        yield Subscribers(database)


def take(people: Subscribers, path: Path) -> ImportReport:
    with open_list(path) as source:
        return import_subscribers(people.database, source, now=NOW)


def states(people: Subscribers) -> dict[str, str]:
    """Each person with the reason for a suppression, else the status."""
    return {
        person.email.removesuffix("@example.org"): reason.value if reason else person.status.value
        for person, reason in people.iterate()
    }


EXPECTED: dict[str, tuple[str, dict[str, str], dict[str, object]]] = {
    # file: the vendor, what becomes of whom, and what is known of Zoé
    "mailchimp_subscribed": (
        "Mailchimp",
        {"zoe": "active", "karim": "active"},
        {
            "display_name": "Zoé Lefèvre", "tags": ("Volunteer", "Board"), "joined": ZOE, "time_zone": "Europe/Paris",
            "fields": {"ville": "Nantes", "country": "FR", "region": "PDL"},
        },
    ),
    "mailchimp_unsubscribed": ("Mailchimp", {"luc": "unsubscribed", "ines": "unsubscribed"}, {}),
    "mailchimp_cleaned": ("Mailchimp", {"gone": "bounced"}, {}),
    "substack": (
        "Substack",
        {"zoe": "active", "luc": "unsubscribed"},
        {"joined": ZOE, "fields": {"active_subscription": "false"}},
    ),
    "substack_2023": ("Substack", {"zoe": "active", "luc": "unsubscribed"}, {"joined": ZOE}),
    "substack_paid": ("Substack", {"zoe": "active", "luc": "unsubscribed"}, {"fields": {"plan": "paid"}}),
    "substack_dashboard": (
        "Substack",
        {"zoe": "active", "karim": "active"},
        {"display_name": "Zoé Lefèvre", "joined": "2024-05-06T00:00:00"},
    ),
    "buttondown": (
        "Buttondown",
        {"zoe": "active", "karim": "pending", "luc": "unsubscribed", "gone": "bounced", "angry": "complained"},
        {
            "tags": ("Volunteer", "Board"), "joined": ZOE,
            "fields": {"city": "Nantes", "kids": "2", "member": "true"},
        },
    ),
    "ghost": (
        "Ghost",
        {"zoe": "active", "luc": "unsubscribed", "left": "unsubscribed"},
        {
            "display_name": "Zoé Lefèvre", "tags": ("Volunteer", "Board"), "joined": ZOE,
            "fields": {"tiers": "Supporter"},
        },
    ),
    "kit": (
        "Kit",
        {"zoe": "active", "karim": "pending", "luc": "unsubscribed", "gone": "bounced", "angry": "complained"},
        {"first_name": "Zoé", "tags": ("Volunteer", "Board"), "joined": ZOE, "fields": {"city": "Nantes"}},
    ),
    "beehiiv": (
        "beehiiv",
        {"zoe": "active", "karim": "pending", "luc": "unsubscribed"},
        {"display_name": "Zoé Lefèvre", "joined": ZOE,
         "fields": {"tier": "free", "supporter_tier": "No", "city": "Nantes"}},
    ),
    "brevo": (
        "Brevo",
        {"zoe": "active", "luc": "unsubscribed"},
        {"display_name": "Zoé Lefèvre", "joined": "2024-05-06T07:08:00",
         "fields": {"sms": "33600000000", "ville": "Nantes"}},
    ),
    "keila": (
        "Keila",
        {"zoe": "active", "luc": "unsubscribed", "gone": "bounced"},
        {"display_name": "Zoé Lefèvre", "fields": {"city": "Nantes", "likes": "a, b", "address": '{"zip": "44000"}'}},
    ),
    "listmonk": (
        "listmonk",
        {"zoe": "active", "luc": "manual", "off": "manual"},
        {"display_name": "Zoé Lefèvre", "joined": ZOE, "fields": {"city": "Nantes", "kids": "2"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_is_known_by_its_columns_and_status_names_tags_and_dates_survive(
    people: Subscribers, name: str
) -> None:
    vendor, wanted, facts = EXPECTED[name]
    report = take(people, HERE / f"{name}.csv")
    assert report.vendor == vendor
    assert states(people) == wanted
    zoe = people.get("zoe@example.org")
    for fact, value in facts.items():
        found = getattr(zoe, fact)
        assert (found.strftime("%Y-%m-%dT%H:%M:%S") if fact == "joined" else found) == value, fact
    counts = report.counts
    assert counts.rows == len((HERE / f"{name}.csv").read_bytes().splitlines()) - 1


@pytest.mark.parametrize("name", EXPECTED)
def test_an_export_a_second_time_changes_nothing(people: Subscribers, name: str) -> None:
    take(people, HERE / f"{name}.csv")
    before = list(people.iterate())
    counts = take(people, HERE / f"{name}.csv").counts
    assert (counts.added, counts.updated) == (0, 0)
    assert list(people.iterate()) == before


def test_every_tool_has_a_file_here() -> None:
    assert {vendor for vendor, *_ in EXPECTED.values()} == {vendor.name for vendor in VENDORS}
    assert {f"{name}.csv" for name in EXPECTED} == {path.name for path in HERE.iterdir()}


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("buttondown", 7, "the status 'churned' is not known: decide whether"),
        ("substack", 4, "asked to be deleted"),
        ("listmonk", 4, "attributes was left out: it is no object in JSON"),
    ],
)
def test_what_a_tool_leaves_open_is_told(people: Subscribers, name: str, line: int, reason: str) -> None:
    (problem,) = take(people, HERE / f"{name}.csv").problems
    assert (problem.line, reason in problem.reason) == (line, True)


@pytest.fixture
def audience(tmp_path: Path) -> Path:
    """What Mailchimp gives: a zip of three files, in an order in which who has left comes last."""
    path = tmp_path / "audience_export_1234.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for kind in ("subscribed", "unsubscribed", "cleaned"):
            archive.write(HERE / f"mailchimp_{kind}.csv", f"{kind}_members_export_1234.csv")
        both = (HERE / "mailchimp_subscribed.csv").read_text("utf-8").replace("zoe@example.org", "luc@example.org")
        archive.writestr("nonsubscribed_members_export_1234.csv", both.replace("karim@", "buyer@"))
        archive.writestr("subscribed_members_export_5678.csv", both)
        archive.writestr("granular_activity/opens/1.csv", "Email Address,Opened\nopener@example.org,2024-01-01\n")
    return path


def test_an_audience_of_mailchimp_is_taken_as_the_zip_that_it_is(people: Subscribers, audience: Path) -> None:
    report = take(people, audience)
    assert states(people) == {
        "zoe": "active", "karim": "active", "luc": "unsubscribed", "ines": "unsubscribed", "gone": "bounced",
    }  # fmt: skip
    assert report.vendor == "Mailchimp"
    assert (report.counts.rows, report.counts.added, report.counts.suppressed, report.counts.duplicates) == (7, 2, 3, 2)


def test_what_is_no_list_in_an_export_is_left_alone_and_named(audience: Path) -> None:
    with open_list(audience) as source:
        assert source.left_alone == ["nonsubscribed_members_export_1234.csv", "granular_activity/opens/1.csv"]


def test_contacts_who_never_subscribed_are_refused_on_their_own_too(tmp_path: Path) -> None:
    path = tmp_path / "nonsubscribed_members_export_1234.csv"
    path.write_bytes((HERE / "mailchimp_subscribed.csv").read_bytes())
    with pytest.raises(ListError, match="these contacts never subscribed"):
        open_list(path)


def test_of_a_zip_of_substacks_only_the_list_is_read(people: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("posts.csv", "post_id,post_date,is_published,title\n1.hello,2024-01-01,true,Hello\n")
        archive.writestr("posts/1.hello.html", "<p>Hello</p>")
        archive.writestr("posts/1.delivers.csv", "post_id,timestamp,email\n1,2024-01-01,reader@example.org\n")
        archive.write(HERE / "substack.csv", "email_list.letter.csv")
    assert take(people, path).vendor == "Substack"
    assert states(people) == {"zoe": "active", "luc": "unsubscribed"}


def test_what_a_list_says_about_consent_goes_on_record(people: Subscribers) -> None:
    take(people, HERE / "mailchimp_subscribed.csv")
    zoe = people.get("zoe@example.org")
    assert zoe is not None
    (consent,) = consents.of(people.database, zoe.id)
    assert consent.at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert consent.confirmed_at == datetime(2024, 5, 6, 7, 10, tzinfo=UTC)
    assert consent.page == "Mailchimp"
    assert consent.network == ""
    assert consent.source == "import:mailchimp_subscribed.csv"
    take(people, HERE / "mailchimp_subscribed.csv")
    assert len(consents.of(people.database, zoe.id)) == 1


def test_the_network_of_a_sign_up_is_kept_where_the_settings_say_so_and_never_the_address(people: Subscribers) -> None:
    with open_list(HERE / "mailchimp_subscribed.csv") as source:
        import_subscribers(people.database, source, now=NOW, keep_network=True)
    zoe = people.get("zoe@example.org")
    assert zoe is not None
    (consent,) = consents.of(people.database, zoe.id)
    assert consent.network == "192.0.2.0/24"
    assert "192.0.2.7" not in consent.page


def test_who_left_there_has_left_since_the_day_that_the_list_names(people: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        "email,unsubscribed_at,bounced\n"
        "luc@example.org,2025-03-04 05:06:07,\n"
        "ines@example.org,yes,\n"
        "gone@example.org,,1\n"
        "odd@example.org,2999-01-01,\n"
    )
    take(people, path)
    since = {}
    for name in ("luc", "ines", "gone", "odd"):
        suppression = people.suppression(f"{name}@example.org")
        assert suppression is not None
        since[name] = int(suppression.since.timestamp())
    left = int(datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC).timestamp())
    assert since == {"luc": left, "ines": NOW, "gone": NOW, "odd": NOW}


def test_what_a_list_says_about_the_consent_of_somebody_known_goes_on_record_once(
    people: Subscribers, tmp_path: Path
) -> None:
    (tmp_path / "before.csv").write_text("email\nzoe@example.org\nleft@example.org\n")
    (tmp_path / "left.csv").write_text("email,status\nleft@example.org,unsubscribed\n")
    path = tmp_path / "list.csv"
    path.write_text("email,agreed\nzoe@example.org,2024-05-06\nleft@example.org,2024-05-06\n")
    take(people, tmp_path / "before.csv")
    take(people, tmp_path / "left.csv")

    def again(now: int, *, dry_run: bool = False) -> ImportReport:
        with open_list(path, {"agreed": "consent.at"}) as source:
            return import_subscribers(people.database, source, now=now, dry_run=dry_run)

    assert again(NOW, dry_run=True).counts.updated == 1
    assert again(NOW).counts.updated == 1
    assert again(NOW + 60).counts.unchanged == 1
    zoe, left = people.get("zoe@example.org"), people.get("left@example.org")
    assert zoe is not None
    assert left is not None
    assert [each.at for each in consents.of(people.database, zoe.id)] == [datetime(2024, 5, 6, tzinfo=UTC)]
    assert not consents.of(people.database, left.id)


@pytest.mark.parametrize(
    "header",
    [
        "first_name,email,status,created_at,city",
        "id,email,first_name,created_at,status",
        "first_name,email,created_at,city,status",
        "email,first_name,last_name,created_at,status",
        "email,status,created_at,unsubscribed_at",
        "email,name,status,tier,created_at",
    ],
)
def test_a_list_with_ordinary_columns_is_nobodys_export(tmp_path: Path, header: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{header}\n")
    with open_list(path) as source:
        assert source.vendor == ""


def test_what_stands_in_an_object_is_made_one_clean_line(people: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(
        'Email,First name,Last name,Data\nzoe@example.org,,,"{""a"": ""x\\r\\nBcc: y\\u0000"", ""b"": ""\\u001b""}"\n'
    )
    take(people, path)
    zoe = people.get("zoe@example.org")
    assert zoe is not None
    assert zoe.fields == {"a": "x Bcc: y"}


@pytest.mark.parametrize("cell", ["[1]", '"text"', "{", "{'a': __import__('os')}", "[" * 5000, "9" * 30_000])
def test_what_is_no_object_is_told_and_runs_nothing(people: Subscribers, tmp_path: Path, cell: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f'Email,First name,Last name,Data\nzoe@example.org,,,"{cell.replace(chr(34), chr(34) * 2)}"\n')
    report = take(people, path)
    assert report.counts.added == 1
    zoe = people.get("zoe@example.org")
    assert zoe is not None
    assert bool(report.problems) == (not zoe.fields)


def test_an_export_of_ours_is_nobody_elses_whatever_its_fields_are_called(people: Subscribers, tmp_path: Path) -> None:
    path = tmp_path / "ours.csv"
    path.write_text(
        "email,first_name,last_name,name,language,status,tags,joined,time_zone,leid,euid\n"
        "zoe@example.org,,,,,active,,2024-05-06,,1,2\n"
    )
    assert take(people, path).vendor == ""
    zoe = people.get("zoe@example.org")
    assert zoe is not None
    assert zoe.fields == {"leid": "1", "euid": "2"}


@pytest.mark.parametrize("status", ["inactivo", "not active", "désactivé", "inaktiv", "actve"])
def test_who_gets_issues_is_never_guessed(people: Subscribers, tmp_path: Path, status: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"email,status\nzoe@example.org,{status}\n", "utf-8")
    (problem,) = take(people, path).problems
    assert "'active'" not in problem.reason
    assert people.get("zoe@example.org") is None
