"""Draw what a town is made of: hills, river, cathedral, houses, trees, tram."""

from math import cos, pi, sin

from illustrations.canvas import HEIGHT, WIDTH, Point, Sheet, blend, smooth_curve


def draw_sun(sheet: Sheet, x: float, y: float, radius: float) -> None:
    """Put the sun or the moon in the sky, with two halos."""
    for factor, share in ((2.1, 0.84), (1.5, 0.68)):
        halo = blend(sheet.palette.sun, sheet.palette.sky_low, share)
        sheet.disc(x, y, radius * factor, halo)
    sheet.disc(x, y, radius, sheet.palette.sun)


def draw_cloud(sheet: Sheet, x: float, y: float, scale: float) -> None:
    """Put a flat cloud whose base starts at (x, y)."""
    colour = blend(sheet.palette.sky_low, "#ffffff", 0.55)
    box = (x, y - 34 * scale, x + 260 * scale, y)
    sheet.rounded(box, 17 * scale, colour)
    sheet.disc(x + 95 * scale, y - 36 * scale, 46 * scale, colour)
    sheet.disc(x + 160 * scale, y - 32 * scale, 34 * scale, colour)


def draw_hills(sheet: Sheet, crest: list[Point], colour: str) -> None:
    """Fill the land below a smooth crest."""
    sheet.polygon([*smooth_curve(crest), (WIDTH, HEIGHT), (0, HEIGHT)], colour)


def draw_river(sheet: Sheet, top: float) -> None:
    """Fill the foreground with water and its glints."""
    palette = sheet.palette
    sheet.rectangle(0, top, WIDTH, HEIGHT - top, palette.water)
    glint = blend(palette.water, palette.light, 0.4)
    depth = HEIGHT - top
    for row in range(1, 7):
        y = top + depth * row / 7
        for piece in range(4):
            x = (row * 271 + piece * 430) % WIDTH
            length = 70 + 36 * ((row + piece) % 4)
            sheet.rounded((x, y, x + length, y + 5), 2.5, glint)


def draw_poplar(sheet: Sheet, x: float, foot: float, height: float, colour: str) -> None:
    """Draw a tall tree that stands at (x, foot)."""
    sheet.rectangle(x - 4, foot - height * 0.25, 8, height * 0.25, blend(colour, "#2a1c14", 0.5))
    sheet.ellipse(x, foot - height * 0.58, (height * 0.15, height * 0.44), colour)


def draw_round_tree(sheet: Sheet, x: float, foot: float, height: float, colour: str) -> None:
    """Draw a broad tree that stands at (x, foot)."""
    radius = height * 0.34
    trunk = blend(colour, "#2a1c14", 0.55)
    sheet.rectangle(x - height * 0.04, foot - height * 0.5, height * 0.08, height * 0.5, trunk)
    sheet.disc(x, foot - height + radius, radius, colour)
    sheet.disc(x - radius * 0.7, foot - height + radius * 1.5, radius * 0.75, colour)
    sheet.disc(x + radius * 0.7, foot - height + radius * 1.5, radius * 0.75, colour)
    shine = blend(colour, sheet.palette.light, 0.18)
    sheet.disc(x - radius * 0.25, foot - height + radius * 0.8, radius * 0.5, shine)


def draw_cathedral(sheet: Sheet, x: float, foot: float, scale: float, colour: str) -> None:
    """Draw the long church with its apse, its buttresses and its one tower."""
    palette = sheet.palette
    shade = blend(colour, palette.near, 0.25)
    roof = blend(palette.roof, colour, 0.25)

    def at(points: list[Point]) -> list[Point]:
        return [(x + px * scale, foot - py * scale) for px, py in points]

    sheet.polygon(at([(300, 0), (300, 250), (330, 285), (360, 250), (360, 0)]), shade)
    sheet.polygon(at([(306, 250), (330, 300), (354, 250)]), roof)
    sheet.polygon(at([(0, 0), (0, 130), (300, 130), (300, 0)]), colour)
    sheet.polygon(at([(0, 130), (22, 190), (300, 190), (300, 130)]), roof)
    sheet.polygon(at([(-120, 0), (-120, 85), (-95, 150), (0, 165), (0, 0)]), colour)
    sheet.polygon(at([(-112, 120), (-60, 195), (22, 190), (0, 130)]), roof)
    for step in range(5):
        left = -150 + step * 34
        sheet.polygon(
            at([(left, 0), (left, 70), (left + 8, 92), (left + 16, 70), (left + 16, 0)]), shade
        )
    window = blend(palette.light, colour, 0.15) if colour != palette.light else palette.water
    for step in range(8):
        left = 16 + step * 35
        sheet.polygon(
            at([(left, 30), (left, 92), (left + 9, 110), (left + 18, 92), (left + 18, 30)]), window
        )
    for level in (150, 205):
        sheet.polygon(
            at(
                [
                    (322, level),
                    (322, level + 34),
                    (330, level + 44),
                    (338, level + 34),
                    (338, level),
                ]
            ),
            window,
        )


def draw_town_wall(sheet: Sheet, left: float, right: float, foot: float, height: float) -> None:
    """Draw the Roman wall: red courses, pale lozenges, round towers."""
    palette = sheet.palette
    brick = blend(palette.roof, palette.wall, 0.3)
    pale = blend(brick, palette.wall, 0.6)
    sheet.rectangle(left, foot - height, right - left, height, brick)
    for course in (0.22, 0.5, 0.78):
        sheet.rectangle(left, foot - height * course, right - left, height * 0.05, pale)
    step = height * 0.34
    count = int((right - left) / step)
    for place in range(count):
        centre = left + (place + 0.5) * step
        middle = foot - height * (0.66 if place % 2 else 0.38)
        size = height * 0.07
        lozenge = [
            (centre, middle - size),
            (centre + size, middle),
            (centre, middle + size),
            (centre - size, middle),
        ]
        sheet.polygon(lozenge, pale)
    towers = 3
    for place in range(towers):
        x = left + (right - left) * (place + 0.5) / towers
        width = height * 0.55
        shade = blend(brick, palette.near, 0.22)
        sheet.rectangle(x - width / 2, foot - height * 1.18, width, height * 1.18, shade)
        for course in (0.3, 0.62, 0.94):
            sheet.rectangle(x - width / 2, foot - height * course, width, height * 0.05, pale)


def draw_gabled_house(sheet: Sheet, x: float, foot: float, size: Point, tint: float) -> None:
    """Draw a timber-framed house; ``tint`` from 0 to 1 varies its plaster."""
    palette = sheet.palette
    width, height = size
    plaster = blend(palette.wall, palette.roof, tint * 0.35)
    timber = blend(palette.roof, "#241812", 0.35)
    sheet.rectangle(x, foot - height, width, height, plaster)
    peak = foot - height - width * 0.62
    sheet.polygon(
        [(x - 8, foot - height), (x + width / 2, peak), (x + width + 8, foot - height)],
        palette.roof,
    )
    for level in (0.36, 0.68, 1.0):
        sheet.rectangle(x, foot - height * level, width, 6, timber)
    for part in (0.0, 0.5, 1.0):
        sheet.rectangle(x + (width - 6) * part, foot - height, 6, height, timber)
    pane = blend(palette.light, palette.wall, 0.1)
    for level in (0.6, 0.92):
        for part in (0.16, 0.62):
            top = foot - height * level
            sheet.rounded(
                (x + width * part, top, x + width * (part + 0.22), top + height * 0.16), 2, pane
            )
    door = x + width * 0.36
    sheet.rounded((door, foot - height * 0.26, door + width * 0.28, foot + 4), 4, timber)


def draw_house_row(sheet: Sheet, left: float, right: float, foot: float, height: float) -> None:
    """Line up gabled houses of varied widths."""
    x = left
    place = 0
    while x < right:
        width = height * (0.52 + 0.16 * ((place * 7) % 4) / 3)
        tall = height * (0.82 + 0.18 * ((place * 5) % 3) / 2)
        draw_gabled_house(sheet, x, foot, (width, tall), ((place * 3) % 5) / 4)
        x += width + 4
        place += 1


def draw_arched_bridge(sheet: Sheet, deck: float, water: float, arches: int) -> None:
    """Span the sheet with a stone bridge."""
    palette = sheet.palette
    stone = blend(palette.wall, palette.near, 0.28)
    sheet.rectangle(0, deck, WIDTH, water - deck, stone)
    sheet.rectangle(0, deck - 14, WIDTH, 14, blend(stone, palette.light, 0.3))
    span = WIDTH / arches
    opening = blend(palette.water, palette.near, 0.45)
    for arch in range(arches):
        centre = span * (arch + 0.5)
        radius = span * 0.38
        outline = [
            (centre + radius * cos(angle), water - (water - deck - 26) * sin(angle))
            for angle in [pi * step / 40 for step in range(41)]
        ]
        sheet.polygon(outline, opening)


def draw_tram(sheet: Sheet, x: float, rail: float, scale: float) -> None:
    """Draw a three-section tram under its wire."""
    palette = sheet.palette
    body = blend(palette.light, palette.wall, 0.2)
    glass = blend(palette.near, "#0c1a28", 0.45)
    wire = blend(palette.near, "#0c1a28", 0.2)
    sheet.line([(0, rail - 250 * scale), (WIDTH, rail - 250 * scale)], 3, wire)
    sheet.line(
        [(x + 300 * scale, rail - 180 * scale), (x + 345 * scale, rail - 250 * scale)], 5, wire
    )
    for section in range(3):
        left = x + section * 250 * scale
        sheet.rounded(
            (left, rail - 180 * scale, left + 242 * scale, rail - 18 * scale), 26 * scale, body
        )
        sheet.rounded(
            (left + 14 * scale, rail - 158 * scale, left + 228 * scale, rail - 88 * scale),
            12 * scale,
            glass,
        )
        sheet.rectangle(left, rail - 66 * scale, 242 * scale, 22 * scale, palette.roof)
        for wheel in (55, 187):
            sheet.disc(left + wheel * scale, rail - 14 * scale, 15 * scale, wire)
    sheet.rectangle(0, rail, WIDTH, 6, blend(palette.ground, palette.light, 0.35))


def draw_stars(sheet: Sheet, count: int) -> None:
    """Scatter small stars in the upper half, always at the same places."""
    for place in range(count):
        x = (place * 619 + 83) % WIDTH
        y = (place * 367 + 41) % (HEIGHT // 2)
        sheet.disc(x, y, 1.6 + (place % 3) * 0.9, sheet.palette.light)
