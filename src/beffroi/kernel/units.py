"""Quantities as people read them."""

MIB = 1024 * 1024
GIB = 1024 * MIB

_BYTE_STEPS = ("B", "KiB", "MiB", "GiB", "TiB")


def told_bytes(size_bytes: int) -> str:
    """Write a size with the largest unit that keeps it at 1 or above: ``2.1 GiB``."""
    size = float(size_bytes)
    step = 0
    while round(size, 1) >= 1024 and step < len(_BYTE_STEPS) - 1:
        size /= 1024
        step += 1
    return f"{size:.0f} {_BYTE_STEPS[step]}" if step == 0 else f"{size:.1f} {_BYTE_STEPS[step]}"


def told_duration(duration_s: float) -> str:
    """Write a duration with two units at most: ``850 ms``, ``12.3 s``, ``4 min 05 s``."""
    if duration_s < 0.9995:
        return f"{duration_s * 1000:.0f} ms"
    if duration_s < 59.95:
        return f"{duration_s:.1f} s"
    minutes, seconds = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
