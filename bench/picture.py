"""The picture of a result for the README: bars of CPU per call, drawn as SVG."""

from html import escape

import table

WIDTH, LABEL, BAR, GAP = 720, 150, 16, 5
COLOURS = {"callgate": "#2f6f4f", "nginx": "#8a8f98", "haproxy": "#b5b9c0", "direct": "#d9dce1"}
SHOWN = ["c16_1k", "s1000_1k", "sse_1k", "c16_64k", "list_1000"]
TEXT = 'font-family="system-ui, sans-serif" font-size="12"'


def bars(result: dict) -> list[tuple[str, list[tuple[str, float]]]]:
    groups = []
    for name in SHOWN:
        rows = result["summary"].get(name, {})
        values = [(who, rows[who]["cpu_us_per_call"]) for who in ("nginx", "haproxy", "callgate") if rows.get(who, {}).get("cpu_us_per_call")]
        if values:
            groups.append((table.SCENARIOS[name].title, values))
    return groups


def svg(result: dict) -> str:
    """Each group has its own scale: what matters is how the bars of one stand to each other."""
    parts, y = [], 34
    for title, values in bars(result):
        parts.append(f'<text x="0" y="{y}" font-weight="600" {TEXT}>{escape(title)}</text>')
        y += 10
        scale = (WIDTH - LABEL - 90) / max(value for _, value in values)
        for who, value in values:
            middle = y + BAR - 4
            parts.append(f'<text x="{LABEL - 8}" y="{middle}" text-anchor="end" {TEXT}>{who}</text>')
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{max(1, value * scale):.0f}" height="{BAR}" rx="2" fill="{COLOURS[who]}"/>')
            parts.append(f'<text x="{LABEL + value * scale + 6:.0f}" y="{middle}" {TEXT}>{value:,.1f} µs</text>')
            y += BAR + GAP
        y += 22
    head = f"CPU per call, {result['when'].split()[0]}; policy, schemas, limits and journal on"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" aria-label="{escape(head)}">'
            f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/><text x="0" y="14" fill="#555" {TEXT}>{escape(head)}</text>{"".join(parts)}</svg>\n')
