"""The plot: for every goal on a ratio, how much of it was reached, as an SVG written by hand."""

from collections.abc import Sequence
from html import escape
from typing import Any

WIDTH, LEFT, BAR, GAP, MOST = 860, 330, 18, 8, 2.0
MET, MISSED = "#2f7d4f", "#b3541e"


def reached(line: dict[str, Any], goal: dict[str, Any]) -> float:
    """1 at the goal, more when it is better than that; whichever way the goal looks."""
    value = line["ratio"]["median"] if goal["of"] == "ratio" else line["ours"]["median"]
    return value / goal["bound"] if goal["kind"] == "at least" else goal["bound"] / value


def svg(lines: Sequence[dict[str, Any]]) -> str:
    """`lines` as they stand in the JSON. Bars end at twice the goal."""
    bars = [
        (f"{line['row']}, {line['case']}", _sign(goal), reached(line, goal)) for line in lines for goal in line["goals"]
    ]
    height = 40 + len(bars) * (BAR + GAP)
    goal_at = _x(1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        ' font-family="sans-serif" font-size="12">',
        "<title>How much of each goal was reached</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        *(part for place, bar in enumerate(bars) for part in _bar(place, *bar)),
        f'<line x1="{goal_at}" y1="22" x2="{goal_at}" y2="{height - 8}" stroke="#333" stroke-dasharray="4 3"/>',
        f'<text x="{goal_at}" y="16" text-anchor="middle" fill="#333">goal</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _bar(place: int, name: str, goal: str, share: float) -> list[str]:
    y = 28 + place * (BAR + GAP)
    end, colour = _x(min(share, MOST)), MET if share >= 1 else MISSED
    return [
        f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(name)} {escape(goal)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{end - LEFT:.0f}" height="{BAR}" fill="{colour}"/>',
        f'<text x="{end + 5:.0f}" y="{y + 13}">{share:.0%}</text>',
    ]


def _x(share: float) -> float:
    return round(LEFT + share / MOST * (WIDTH - LEFT - 60), 1)


def _sign(goal: dict[str, Any]) -> str:
    return f"({'≥' if goal['kind'] == 'at least' else '≤'} {goal['bound']:g}{'x' if goal['of'] == 'ratio' else ''})"
