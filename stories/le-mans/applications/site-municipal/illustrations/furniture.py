"""Draw what people use: stalls, school, bins, books, papers, crane, swings."""

from illustrations.canvas import Sheet, blend

AWNINGS = ("#b5563d", "#2f6b7d", "#c98f2e", "#4d8473")


def draw_market_stall(sheet: Sheet, x: float, foot: float, scale: float, place: int) -> None:
    """Draw a stall with a striped awning; ``place`` chooses its colour."""
    palette = sheet.palette
    colour = AWNINGS[place % len(AWNINGS)]
    pole = blend(palette.ground, "#1a1410", 0.4)
    for side in (12, 252):
        sheet.rectangle(x + side * scale, foot - 200 * scale, 8 * scale, 200 * scale, pole)
    sheet.rectangle(x, foot - 80 * scale, 272 * scale, 80 * scale, blend(palette.wall, pole, 0.25))
    for crate in range(4):
        left = x + (14 + crate * 64) * scale
        for fruit in range(3):
            tone = AWNINGS[(place + crate + 1) % len(AWNINGS)]
            sheet.disc(left + (10 + fruit * 20) * scale, foot - 86 * scale, 12 * scale, tone)
    stripe = 34 * scale
    for band in range(8):
        left = x + band * stripe
        tone = colour if band % 2 == 0 else palette.light
        top, bottom = foot - 250 * scale, foot - 180 * scale
        lean = (band - 3.5) * 5 * scale
        sheet.polygon(
            [
                (left - lean * 0.4, top),
                (left + stripe - lean * 0.4, top),
                (left + stripe, bottom),
                (left, bottom),
            ],
            tone,
        )
        sheet.disc(left + stripe / 2, bottom, stripe / 2, tone)


def draw_school(sheet: Sheet, x: float, foot: float, scale: float) -> None:
    """Draw a school with its clock and its two wings."""
    palette = sheet.palette
    pane = blend(palette.water, palette.light, 0.35)
    for left, width, height in ((0, 300, 190), (440, 300, 190), (280, 180, 270)):
        sheet.rectangle(
            x + left * scale, foot - height * scale, width * scale, height * scale, palette.wall
        )
        base = foot - height * scale
        sheet.polygon(
            [
                (x + (left - 14) * scale, base),
                (x + (left + width / 2) * scale, base - 80 * scale),
                (x + (left + width + 14) * scale, base),
            ],
            palette.roof,
        )
    for wing in (24, 464):
        for row in (160, 80):
            for pair in range(4):
                left = x + (wing + pair * 65) * scale
                top = foot - row * scale
                sheet.rounded((left, top, left + 44 * scale, top + 54 * scale), 3, pane)
    centre = x + 370 * scale
    sheet.disc(centre, foot - 215 * scale, 32 * scale, palette.light)
    sheet.line(
        [
            (centre, foot - 238 * scale),
            (centre, foot - 215 * scale),
            (centre + 16 * scale, foot - 215 * scale),
        ],
        5 * scale,
        palette.ground,
    )
    sheet.rounded(
        (centre - 38 * scale, foot - 120 * scale, centre + 38 * scale, foot),
        8 * scale,
        blend(palette.roof, "#201510", 0.3),
    )


def draw_bin(sheet: Sheet, x: float, foot: float, scale: float, lid: str) -> None:
    """Draw a wheeled bin; its lid tells what goes in."""
    body = blend(sheet.palette.ground, "#0e1a20", 0.25)
    height = 230 * scale
    sheet.polygon(
        [
            (x, foot - height),
            (x + 150 * scale, foot - height),
            (x + 134 * scale, foot - 10),
            (x + 16 * scale, foot - 10),
        ],
        body,
    )
    sheet.rounded(
        (x - 12 * scale, foot - height - 32 * scale, x + 162 * scale, foot - height),
        12 * scale,
        lid,
    )
    sheet.disc(x + 36 * scale, foot - 12 * scale, 20 * scale, "#10181f")
    sheet.rounded(
        (x + 40 * scale, foot - height * 0.7, x + 110 * scale, foot - height * 0.42),
        8,
        blend(body, lid, 0.6),
    )


def draw_book_row(sheet: Sheet, left: float, right: float, foot: float, height: float) -> None:
    """Fill a shelf with books of varied sizes and colours."""
    palette = sheet.palette
    tones = (*AWNINGS, palette.near, palette.wall, palette.water)
    x, place = left, 0
    while x < right - 60:
        width = 26 + (place * 17) % 34
        tall = height * (0.68 + 0.3 * ((place * 11) % 7) / 6)
        tone = tones[(place * 5) % len(tones)]
        sheet.rounded((x, foot - tall, x + width, foot), 4, tone)
        band = blend(tone, palette.light, 0.5)
        sheet.rectangle(x, foot - tall * 0.82, width, 8, band)
        sheet.rectangle(x, foot - tall * 0.2, width, 5, band)
        x += width + 3 + (14 if place % 9 == 8 else 0)
        place += 1


def draw_paper(sheet: Sheet, x: float, y: float, scale: float, seal: str) -> None:
    """Draw an official sheet with lines, a portrait box and a seal."""
    palette = sheet.palette
    shadow = blend(palette.near, "#000000", 0.2)
    sheet.rounded((x + 10, y + 12, x + 320 * scale + 10, y + 430 * scale + 12), 10, shadow)
    sheet.rounded((x, y, x + 320 * scale, y + 430 * scale), 10, palette.light)
    ink = blend(palette.near, palette.light, 0.35)
    sheet.rounded(
        (x + 30 * scale, y + 34 * scale, x + 190 * scale, y + 54 * scale), 6, palette.near
    )
    sheet.rounded(
        (x + 30 * scale, y + 84 * scale, x + 110 * scale, y + 184 * scale),
        6,
        blend(palette.water, palette.light, 0.4),
    )
    sheet.disc(x + 70 * scale, y + 122 * scale, 20 * scale, palette.near)
    sheet.ellipse(x + 70 * scale, y + 176 * scale, (32 * scale, 26 * scale), palette.near)
    sheet.rectangle(x + 30 * scale, y + 184 * scale, 80 * scale, 22 * scale, palette.light)
    for row in range(9):
        top = y + (92 + row * 32) * scale
        left = x + (134 if row < 3 else 30) * scale
        length = (150 if row < 3 else 258 - (row * 37) % 70) * scale
        sheet.rounded((left, top, left + length, top + 9 * scale), 4, ink)
    sheet.disc(x + 250 * scale, y + 370 * scale, 36 * scale, seal)
    sheet.disc(x + 250 * scale, y + 370 * scale, 22 * scale, blend(seal, palette.light, 0.35))


def draw_crane(sheet: Sheet, x: float, foot: float, scale: float) -> None:
    """Draw a tower crane and its load."""
    palette = sheet.palette
    steel = "#c98f2e"
    sheet.rectangle(x - 8 * scale, foot - 560 * scale, 16 * scale, 560 * scale, steel)
    sheet.rectangle(x - 170 * scale, foot - 540 * scale, 620 * scale, 12 * scale, steel)
    sheet.polygon(
        [
            (x - 160 * scale, foot - 540 * scale),
            (x, foot - 620 * scale),
            (x + 430 * scale, foot - 540 * scale),
            (x, foot - 606 * scale),
        ],
        steel,
    )
    sheet.rectangle(x - 165 * scale, foot - 530 * scale, 70 * scale, 54 * scale, palette.near)
    sheet.line(
        [(x + 330 * scale, foot - 530 * scale), (x + 330 * scale, foot - 330 * scale)],
        3,
        palette.near,
    )
    sheet.rectangle(x + 280 * scale, foot - 330 * scale, 100 * scale, 40 * scale, palette.roof)


def draw_slide(sheet: Sheet, x: float, foot: float, scale: float) -> None:
    """Draw a playground slide and its little roof."""
    palette = sheet.palette
    wood = blend(palette.wall, palette.ground, 0.35)
    for side in (0, 110):
        sheet.rectangle(x + side * scale, foot - 240 * scale, 14 * scale, 240 * scale, wood)
    sheet.polygon(
        [
            (x - 24 * scale, foot - 240 * scale),
            (x + 62 * scale, foot - 330 * scale),
            (x + 148 * scale, foot - 240 * scale),
        ],
        palette.roof,
    )
    sheet.rectangle(x, foot - 130 * scale, 124 * scale, 14 * scale, wood)
    sheet.polygon(
        [
            (x + 124 * scale, foot - 134 * scale),
            (x + 330 * scale, foot - 18 * scale),
            (x + 390 * scale, foot - 18 * scale),
            (x + 390 * scale, foot),
            (x + 316 * scale, foot),
            (x + 124 * scale, foot - 108 * scale),
        ],
        "#c98f2e",
    )
    for rung in range(5):
        sheet.rectangle(
            x - 46 * scale + rung * 9 * scale,
            foot - (20 + rung * 24) * scale,
            46 * scale,
            7 * scale,
            wood,
        )
