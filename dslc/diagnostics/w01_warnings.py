"""W01xx: what is allowed, and probably not meant."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry

ENTRIES: dict[str, Entry] = {
    "W0101": Entry(
        "the rest of the line is read as a comment",
        "` #` begins a comment, also in the middle of a text. If the text was meant to go on, quote "
        "it; if a comment was meant, put a space after the `#`.",
        "doc: layer #3\n",
        'doc: "layer #3"\n',
    ),
    "W0102": Entry(
        "an anchor that nothing repeats",
        "`&name` marks a value so that `*name` can repeat it. Nothing does, so it may be text that "
        "was meant to begin with `&`, which needs quotes.",
        "doc: &b side by side\n",
        'doc: "&b side by side"\n',
    ),
}
