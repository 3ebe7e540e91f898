"""The portal's template tags: one tag per small thing that stands on many pages.

Every piece has one file in ``templates/components/``. The pieces that appear hundreds of times on one page
(state, time, commit, duration) are written so that a page with 300 rows costs milliseconds: a state is
rendered once per word, the others are one format call.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import quote

from django import template
from django.conf import settings
from django.forms import BaseForm, BoundField, CheckboxInput, RadioSelect, Select, Textarea
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from opsportal.kit import wording

register = template.Library()

COMMIT_CHARACTERS = 8


@lru_cache(maxsize=256)
def _state(name: str, word: str) -> SafeString:
    return SafeString(render_to_string("components/state.html", {"state": name, "word": word}).strip())


@register.simple_tag
def state(name: str, word: str = "") -> SafeString:
    """A state as word, icon and colour; the vocabulary is ``templates/components/state.html``'s.

    ``word`` replaces the vocabulary's word where a page knows a better one.
    """
    return _state(str(name), str(word))


@register.simple_tag
def ago(moment: datetime | None, focusable: bool = True, missing: str = "never") -> SafeString:
    """``12 minutes ago``, kept fresh by the page's script, with the exact moment on hover and focus.

    ``focusable=False`` inside a link: there the link's focus shows the moment.
    """
    if moment is None:
        return format_html('<span class="ago">{}</span>', missing)
    full = wording.exact(moment, timezone.get_current_timezone())
    return format_html(
        '<time class="ago" datetime="{}" data-exact="{}" title="{}"{}>{}</time>',
        moment.isoformat(timespec="seconds"),
        full,
        full,
        mark_safe(' tabindex="0"') if focusable else "",
        wording.ago(moment, timezone.now()),
    )


@register.simple_tag
def duration(seconds: float | None, since: datetime | None = None) -> SafeString:
    """``1 min 24 s``. With ``since`` the page's script keeps counting from that moment."""
    if since is not None:
        passed = wording.duration((timezone.now() - since).total_seconds())
        counting = '<span class="duration" data-since="{}">{}</span>'
        return format_html(counting, since.isoformat(timespec="milliseconds"), passed)
    if seconds is None:
        return SafeString('<span class="duration">not known</span>')
    return format_html('<span class="duration">{}</span>', wording.duration(seconds))


@register.simple_tag
def commit(sha: str, subject: str = "", url: str = "") -> SafeString:
    """A commit: eight characters, monospaced, with its subject and its whole name on hover.

    It links to ``url``, else to where COMMIT_URL says that commits are shown, else nowhere.
    """
    if not sha:
        return SafeString('<span class="commit commit--none">no commit known</span>')
    short = format_html('<code class="commit__sha" title="{}">{}</code>', sha, sha[:COMMIT_CHARACTERS])
    url = url or settings.COMMIT_URL.replace("{commit}", quote(sha, safe=""))
    if url:
        short = format_html('<a class="usa-link" href="{}">{}</a>', url, short)
    if not subject:
        return format_html('<span class="commit">{}</span>', short)
    return format_html(
        '<span class="commit">{} <span class="commit__subject">{}</span></span>', short, subject
    )


@register.simple_tag
def copy(text: str, label: str = "Copy") -> SafeString:
    """A button that copies ``text``; it hides itself where scripts do not run."""
    return format_html(
        '<button type="button" class="copy" data-copy="{}" hidden>'
        '{}<span class="usa-sr-only"> {}</span></button>',
        text,
        label,
        text[:80],
    )


@register.simple_tag
def output_lines(lines: Iterable[Mapping[str, Any]]) -> SafeString:
    """Rows of an output viewer, one per line: ``number``, ``at``, ``stream``, ``step``, ``text``, ``heading``.

    Written here and not in a template: 300 rows of six values are most of what the page of an operation costs.
    """
    return SafeString("".join(_output_line(**line) for line in lines))


def _output_line(number: int, at: str, stream: str, step: int, text: str, heading: str = "") -> str:
    above = f'<div class="line line--step">{escape(heading)}</div>' if heading else ""
    facts = f'data-n="{number}" data-at="{escape(at)}" data-stream="{escape(stream)}" data-step="{step}"'
    link = f'<a href="?line={number}#L{number}">{number}</a>'
    return (
        f'{above}<div class="line line--{escape(stream)}" id="L{number}" {facts}>{link}{escape(text)}</div>'
    )


@register.filter
def plain(text: str) -> str:
    """Program output without colour codes and invisible characters (:func:`wording.plain`)."""
    return wording.plain(text)


@register.filter
def counted(number: int, words: str) -> str:
    """``{{ 3|counted:"commit" }}`` is ``3 commits``; ``"entry,entries"`` gives both words."""
    one, _, many = words.partition(",")
    return wording.count(number, one, many)


@register.simple_tag
def field(bound: BoundField, hint: str = "", **attributes: Any) -> SafeString:
    """One form field: label, hint, error and control, tied together for screen readers.

    ``attributes`` go to the control; underscores become hyphens (``hx_get`` is ``hx-get``).
    """
    widget = bound.field.widget
    hint = hint or str(bound.help_text)
    described = " ".join(
        name
        for name, there in ((f"{bound.auto_id}-hint", hint), (f"{bound.auto_id}-error", bound.errors))
        if there
    )
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    attrs["class"] = f"{_control_class(widget)} {attrs.get('class', '')}".strip()
    if described:
        attrs["aria-describedby"] = described
    if bound.errors:
        attrs["aria-invalid"] = "true"
    choices = isinstance(widget, RadioSelect)
    context = {
        "field": bound,
        "hint": hint,
        "choices": list(bound.subwidgets) if choices else None,
        "is_checkbox": isinstance(widget, CheckboxInput),
        "control": "" if choices else bound.as_widget(attrs=attrs),
        "described": described,
    }
    return render_to_string("components/field.html", context)


def _control_class(widget: Any) -> str:
    for kind, name in (
        (Textarea, "usa-textarea"),
        (CheckboxInput, "usa-checkbox__input"),
        (RadioSelect, "usa-radio__input"),
        (Select, "usa-select"),
    ):
        if isinstance(widget, kind):
            return name
    return "usa-input"


@register.inclusion_tag("components/form_errors.html")
def form_errors(form: BaseForm) -> dict[str, Any]:
    """The summary above a form: each error, linked to its field. Nothing when there is none."""
    fields = [(bound, error) for bound in form for error in bound.errors]
    return {"fields": fields, "general": list(form.non_field_errors())}
