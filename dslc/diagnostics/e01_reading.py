"""E01xx: reading YAML. Each `bad` and `good` is a whole YAML document; tests read them all."""

from __future__ import annotations

from dslc.diagnostics.catalogue import Entry

ENTRIES: dict[str, Entry] = {
    "E0101": Entry(
        "the file is not UTF-8",
        "A spec is UTF-8 text, with or without a byte order mark. The message names the first byte "
        "that is no UTF-8; files saved as Latin-1 or Windows-1252 are the usual cause.",
    ),
    "E0102": Entry(
        "this is not YAML",
        "The text breaks YAML's own grammar: a bracket or quote that is never closed, an "
        "indentation that fits no level, a key without a colon. The position is where YAML gave up; "
        "the mistake is there or just above.",
        "params: {classes: 10\nsteps:\n  - relu\n",
        "params: {classes: 10}\nsteps:\n  - relu\n",
    ),
    "E0103": Entry(
        "a step with keys below it needs a colon",
        "`- relu` is a complete step. When a name or another key stands below it, the step is a "
        "mapping and its first key needs a colon: `- relu:`.",
        "steps:\n  - relu\n    name: act\n",
        "steps:\n  - relu:\n    name: act\n",
    ),
    "E0104": Entry(
        "a tab cannot indent",
        "YAML indents with spaces alone; a tab looks different in every editor. Replace it by "
        "spaces.",
        "params:\n\tclasses: 10\n",
        "params:\n  classes: 10\n",
    ),
    "E0105": Entry(
        "a key is given twice",
        "One mapping has each key once. Many YAML readers keep the last value silently, so one of "
        "the two lines would have no effect; dslc names both.",
        "conv2d:\n  out: 64\n  kernel: 3\n  out: 32\n",
        "conv2d:\n  out: 64\n  kernel: 3\n",
    ),
    "E0106": Entry(
        "an explicit tag is not allowed",
        "Tags such as `!!int` or `!custom` tell a YAML reader to build an object. Here the place of "
        "a value decides what it is, and nothing in a spec is ever built or run. Text that begins "
        "with `!` is quoted.",
        "params:\n  classes: !!int 10\n",
        "params:\n  classes: 10\n",
    ),
    "E0107": Entry(
        "merge keys are not supported",
        "`<<` copies the keys of another mapping. It is no part of YAML 1.2, and chains of it can "
        "grow without bound. `defaults` sets attributes of an op everywhere; a block in `blocks` "
        "names steps that are used more than once.",
        "base: &base {bias: false}\nconv2d:\n  <<: *base\n  out: 64\n",
        "defaults:\n  conv2d: {bias: false}\n",
    ),
    "E0108": Entry(
        "an alias refers to no anchor",
        "`*name` repeats the value that `&name` marked earlier in the file. Nothing above has this "
        "anchor, or the value would contain itself. Text that begins with `*` is quoted.",
        "branches: *all\n",
        'branches: "*all"\n',
    ),
    "E0109": Entry(
        "a key must be a word",
        "Keys are plain words. A list or a mapping as a key, or no key at all before the colon, "
        "has no meaning in a spec; often it is a `[` or `{` that was meant as text and needs "
        "quotes.",
        "? [a, b]\n: 1\n",
        "a: 1\nb: 1\n",
    ),
    "E0110": Entry(
        "one file holds one document",
        "`---` in the middle of a file begins a second YAML document. A spec is one document; put "
        "the second spec in a file of its own and import it.",
        "name: A\n---\nname: B\n",
        "name: A\n",
    ),
    "E0111": Entry(
        "the file is empty",
        "A spec has at least `dslc`, `name`, `inputs`, `steps` and `outputs`. `dslc init` writes one "
        "to start from.",
        "# nothing but a comment\n",
        "dslc: 1\n",
    ),
    "E0112": Entry(
        "a key or name holds a character that does not belong there",
        "Keys and names are plain ASCII. Control characters, zero-width and right-to-left marks, "
        "and letters of other scripts that look like Latin ones make two different names look the "
        "same. The message names the character.",
        'params: {"kern\\u200bel": 3}\n',
        "params: {kernel: 3}\n",
    ),
    "E0113": Entry(
        "text with a comma or bracket inside `{…}` or `[…]` needs quotes",
        "Inside braces and brackets a comma ends the value, so `{k: min(a, b)}` has the keys `k` and "
        "`b)`. Quote the text, or write the mapping over several lines.",
        "pad: {k: min(a, b)}\n",
        'pad: {k: "min(a, b)"}\n',
    ),
    "E0114": Entry(
        "a colon needs a space after it",
        "`{b:1}` is a single key named `b:1` without a value. YAML takes a colon as the end of a "
        "key only when a space or a line break follows.",
        "conv2d: {out: 64, groups:2}\n",
        "conv2d: {out: 64, groups: 2}\n",
    ),
    "E0115": Entry(
        "text that begins with a special character needs quotes",
        "At the beginning of a value `*`, `&`, `!`, `%`, `@` and the backquote have a meaning of "
        "their own in YAML: alias, anchor, tag, directive, reserved.",
        "doc: @home\n",
        'doc: "@home"\n',
    ),
    "E0116": Entry(
        "the file holds a control character",
        "Control characters other than line breaks and tabs are no part of YAML text. In a "
        'double-quoted string they can be written as an escape, such as "\\x07".',
        "doc: \x07bell\n",
        'doc: "\\x07bell"\n',
    ),
    "E0117": Entry(
        "a number is out of range",
        "Integers lie within 64 bits, and a float must be finite in double precision. Text that "
        "only looks like a number is quoted.",
        "classes: 123456789012345678901234567890\n",
        "classes: 1000\n",
    ),
}
