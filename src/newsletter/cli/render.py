"""newsletter render: what a recipient would get."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from newsletter.cli.console import ExitCode
from newsletter.cli.shell import Command, Session, pass_session

FORMATS = ("html", "text", "mjml", "eml", "web")


@click.command(cls=Command, epilog="Example: newsletter render 2026-11-hello --as zoe@example.org -o hello.html")
@click.argument("issue")
@click.option("--format", "form", type=click.Choice(FORMATS), default="html", show_default=True, help="Which form.")
@click.option(
    "--as", "person", metavar="EMAIL", help="As this subscriber would get it; default: a reader we know nothing of."
)
@click.option("--theme", metavar="NAME", help="In this theme, whatever the issue says.")
@click.option("--variants", "lists", is_flag=True, help="List the versions that conditions make, and who gets which.")
@click.option("--segment", metavar="RULE", default="", help="With --variants: count only those in this segment.")
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@pass_session
def command(
    session: Session,
    issue: str,
    form: str,
    person: str | None,
    theme: str | None,
    lists: bool,
    segment: str,
    output: Path | None,
) -> ExitCode:
    """Print ISSUE as a recipient would get it: as HTML, as plain text, as the whole message, or the MJML in between.

    With --format web, as its page in the archive, which is the same for everybody.
    """
    from datetime import UTC, datetime
    from urllib.parse import quote

    from newsletter import wiring
    from newsletter.actions.stand_in import recipient_like
    from newsletter.edition import fill
    from newsletter.errors import Problem, Refused
    from newsletter.links import Links, Signer
    from newsletter.picture import self_contained
    from newsletter.render import render_mjml
    from newsletter.render.slots import evaluator
    from newsletter.wiring.editions import load, rendered, web_page

    config = session.config()
    path, written = load(config, issue)
    if output is not None and output.exists() and output.samefile(path):
        raise click.UsageError(f"{output} is the issue itself, and would be lost")
    if segment and not lists:
        raise click.UsageError("--segment counts recipients, and needs --variants")
    if lists:
        from newsletter.cli.variants import variants_told

        with wiring.store(config) as database:
            edition = rendered(config, written, database, theme, warn=session.console.warn)
            text = "\n".join(variants_told(config, database, edition, segment))
    elif form == "mjml":
        look = wiring.theme(config, written, theme)
        text = render_mjml(written, look, wiring.site(config), wiring.snippets(config))
    elif form == "web":
        if person is not None:
            raise click.UsageError("--as shows what one person gets, and the page on the web is the same for everybody")
        text = web_page(config, written, theme)
    else:
        # Without a list, there is nobody to be shown it as; and to look at an issue makes no list.
        with wiring.store(config, create=False) if wiring.has_store(config) else nullcontext() as database:
            edition = rendered(config, written, database, theme, warn=session.console.warn)
            recipient = recipient_like(database, edition, person, None)
        # A key of its own: what is printed may be passed on, and its links must open nothing.
        keys = {1: b"for show"}
        if form == "eml":
            moment = datetime.now(UTC).replace(microsecond=0)
            text = wiring.post(config, edition, written.slug, keys).message_for(recipient, moment).data.decode("ascii")
        else:
            links = Links(Signer(keys), config.base_url or "https://example.org", quote(written.slug, safe="~"), 0, 0)
            pattern = edition.html if form == "html" else edition.text
            # Outside of a message, `cid:` leads nowhere.
            text = self_contained(fill(pattern, evaluator(edition)(recipient, links)), edition.pictures)
    if output is None:
        session.console.result(text.removesuffix("\n"))
    else:
        try:
            output.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            fix = "choose another place" if output.parent.is_dir() else f"make the folder {output.parent} first"
            raise Refused(Problem(f"cannot be written: {error.strerror}", str(output), fix=fix)) from None
        session.console.note(f"Wrote {output}")
    return ExitCode.DONE
