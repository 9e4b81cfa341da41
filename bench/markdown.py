"""Figures as Markdown, and where they go in a page."""
import re, sys


def table(head, rows):
    """A Markdown table; columns after the first are aligned to the right where their first cell is a number."""
    rows = [[str(c) for c in row] for row in rows]
    if not rows:
        return "(nothing was measured)\n"
    right = [i > 0 and re.match(r"[–\d]", c) for i, c in enumerate(rows[0])]
    lines = [head, ["---:" if r else "---" for r in right], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def number(x):
    """With three digits, or a dash."""
    if x is None:
        return "–"
    return f"{x:.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}" if x >= 0.1 else f"{x:.3f}"


def put(sections, page):
    """Prints sections, or replaces what stands between a page's marks: <!-- bench:NAME --> and <!-- /bench -->."""
    if not page:
        print("\n".join(sections.values()))
        return
    text = page.read_text()
    for name, section in sections.items():
        mark = re.compile(rf"(<!-- bench:{name} -->\n).*?(<!-- /bench -->)", re.DOTALL)
        text, found = mark.subn(lambda m: m[1] + section + m[2], text)
        if not found:
            sys.exit(f"{page} has no place for {name}: write <!-- bench:{name} --> and <!-- /bench --> where it goes")
    page.write_text(text)
