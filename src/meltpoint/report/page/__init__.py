"""A run as a page to read: ``report.html``, and the same story as Markdown."""

from meltpoint.report.page.rendering import render_html, render_markdown

__all__ = ["render_html", "render_markdown"]
