"""Render: an issue, a theme and the newsletter's own words become an edition. No I/O, no clock: same input, same bytes.

    stage            from → to                                       module
    expand           snippets into the author's text                 snippets
    cut              slots out of the author's text                  holes
    parse            Markdown → tokens, set in the issue's language  markdown, typography
    read             tokens → blocks                                 blocks
    place            images prepared elsewhere → blocks              pictures
    lay out          blocks → the theme's templates → MJML → HTML    theme, page, mjml
    write            blocks → lines → format=flowed text             text, flowed
    weave            both → patterns with slots                      weave, expressions

What differs between recipients is filled in later: `slots.evaluator(edition)` gives the values, `edition.fill` and
`message.Compiled` put them in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from newsletter.render.site import Site

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from newsletter.edition import Edition
    from newsletter.issue import Issue
    from newsletter.picture import Picture
    from newsletter.render.pipeline import Rendering
    from newsletter.render.snippets import Snippet
    from newsletter.render.theme import Theme

__all__ = ["Site", "read", "render", "render_mjml"]


def read(
    issue: Issue,
    theme: Theme,
    site: Site,
    snippets: Mapping[str, Snippet] | None = None,
    form: Literal["email", "web"] = "email",
) -> Rendering:
    """The issue, read: its `uses` are the images that it names, and its `edition(fields, images)` shows them.

    `snippets` are what it can include, by name. Of the edition in the form "web", `web.web_form` makes a page.
    Raises IssueError.
    """
    from newsletter.render.pipeline import Rendering

    return Rendering(issue, theme, site, snippets, form)


def render(
    issue: Issue,
    theme: Theme,
    site: Site,
    fields: Collection[str] = (),
    images: Mapping[str, Picture] | None = None,
    snippets: Mapping[str, Snippet] | None = None,
) -> Edition:
    """The edition of an issue in a theme.

    `fields` are the names of the fields that subscribers have; when given, a slot that names another one is refused.
    `images` says what to show for the images that the issue names; the others are left as they are.
    Raises IssueError for what is wrong in the issue, ThemeError for what is wrong in a template, with file and line.
    """
    return read(issue, theme, site, snippets).edition(fields, images)


def render_mjml(issue: Issue, theme: Theme, site: Site, snippets: Mapping[str, Snippet] | None = None) -> str:
    """The MJML that an issue becomes in a theme, with slots as the author wrote them: to be read, not to be sent.

    Raises IssueError and ThemeError.
    """
    return read(issue, theme, site, snippets).mjml()
