"""Results that people read: the figures as JSON, and as a table of Markdown beside it."""

from bench.measuring import RESULTS, Figures, keep


def keep_with_table(name: str, method: str, figures: dict[str, Figures]) -> None:
    """Keep the figures as ``keep`` does, and write ``results/NAME.md``."""
    keep(name, method, figures)
    # Rows of different figures become tables of their own, in the order of their first row.
    tables: dict[tuple[str, ...], list[str]] = {}
    for row, values in figures.items():
        cells = " | ".join("" if value is None else str(value) for value in values.values())
        tables.setdefault(tuple(values), []).append(f"| {row} | {cells} |")
    text = [f"# {name}", "", method]
    for columns, rows in tables.items():
        rule = "|".join(("---", *("---:" for _ in columns)))
        text += ["", f"| | {' | '.join(columns)} |", f"|{rule}|", *rows]
    (RESULTS / f"{name}.md").write_text("\n".join([*text, ""]), encoding="utf-8")
