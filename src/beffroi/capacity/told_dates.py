"""Days as the people of each language write them."""

from datetime import date

from beffroi.kernel.catalogue import Language, sentence


def told_date(day: date, language: Language) -> str:
    """Write a day with the name of its month."""
    month = sentence(language, f"capacity.ahead.months.{day.month}")
    return sentence(language, "capacity.report.day", day=day.day, month=month, year=day.year)
