"""Compose the illustrations of the site, one function each."""

from collections.abc import Callable

from illustrations import furniture, landmarks, palettes
from illustrations.canvas import HEIGHT, WIDTH, Sheet, blend

SKYLINE = [(0, 560), (260, 520), (560, 470), (860, 430), (1120, 470), (1380, 540), (1600, 580)]


def draw_old_town() -> Sheet:
    """Show the old town on its hill above the river, at dusk."""
    sheet = Sheet(palettes.DUSK)
    palette = sheet.palette
    landmarks.draw_sun(sheet, 300, 420, 54)
    landmarks.draw_cloud(sheet, 1120, 260, 1.0)
    landmarks.draw_cloud(sheet, 90, 240, 0.7)
    landmarks.draw_hills(sheet, [(0, 500), (400, 450), (900, 480), (1600, 430)], palette.far)
    landmarks.draw_hills(sheet, SKYLINE, palette.middle)
    landmarks.draw_cathedral(sheet, 770, 460, 1.05, blend(palette.wall, palette.middle, 0.25))
    landmarks.draw_house_row(sheet, 180, 760, 610, 120)
    landmarks.draw_house_row(sheet, 1080, 1500, 620, 112)
    landmarks.draw_hills(sheet, [(0, 620), (400, 600), (1000, 596), (1600, 630)], palette.near)
    landmarks.draw_town_wall(sheet, 300, 1330, 720, 124)
    landmarks.draw_hills(sheet, [(0, 706), (800, 714), (1600, 700)], palette.ground)
    for x in (60, 130, 210, 1400, 1470, 1550):
        landmarks.draw_poplar(sheet, x, 730, 170 + x % 60, blend(palette.near, palette.ground, 0.5))
    landmarks.draw_river(sheet, 740)
    return sheet


def draw_river_bank() -> Sheet:
    """Show a stone bridge over the river in the morning."""
    sheet = Sheet(palettes.MORNING)
    palette = sheet.palette
    landmarks.draw_sun(sheet, 1180, 220, 56)
    landmarks.draw_cloud(sheet, 240, 260, 1.0)
    landmarks.draw_hills(sheet, [(0, 470), (500, 420), (1000, 460), (1600, 400)], palette.far)
    landmarks.draw_hills(sheet, [(0, 540), (400, 500), (900, 530), (1600, 490)], palette.middle)
    for x in range(40, WIDTH, 118):
        landmarks.draw_poplar(sheet, x, 590, 150 + (x * 7) % 70, palette.near)
    landmarks.draw_arched_bridge(sheet, 570, 740, 4)
    landmarks.draw_river(sheet, 740)
    return sheet


def draw_tramway() -> Sheet:
    """Show a tram in front of the houses."""
    sheet = Sheet(palettes.NOON)
    palette = sheet.palette
    landmarks.draw_cloud(sheet, 160, 270, 1.1)
    landmarks.draw_cloud(sheet, 1080, 240, 0.8)
    landmarks.draw_hills(sheet, [(0, 520), (700, 460), (1600, 510)], palette.far)
    landmarks.draw_house_row(sheet, 20, 1560, 690, 230)
    sheet.rectangle(0, 690, WIDTH, HEIGHT - 690, blend(palette.wall, palette.near, 0.25))
    landmarks.draw_tram(sheet, 420, 800, 1.05)
    sheet.rectangle(0, 806, WIDTH, HEIGHT - 806, palette.near)
    for x in (110, 250, 1380, 1520):
        landmarks.draw_round_tree(sheet, x, 830, 250, palette.ground)
    return sheet


def draw_market() -> Sheet:
    """Show the stalls of a market at the foot of the cathedral."""
    sheet = Sheet(palettes.MORNING)
    palette = sheet.palette
    landmarks.draw_sun(sheet, 300, 260, 50)
    landmarks.draw_hills(sheet, [(0, 560), (700, 500), (1600, 540)], palette.far)
    landmarks.draw_cathedral(sheet, 620, 600, 1.5, palette.wall)
    landmarks.draw_house_row(sheet, 0, 400, 640, 170)
    landmarks.draw_house_row(sheet, 1200, 1600, 640, 180)
    sheet.rectangle(0, 630, WIDTH, HEIGHT - 630, blend(palette.wall, palette.middle, 0.35))
    for place in range(5):
        furniture.draw_market_stall(sheet, 40 + place * 316, 790, 1.0, place)
    return sheet


def draw_school_yard() -> Sheet:
    """Show a school and its trees."""
    sheet = Sheet(palettes.NOON)
    palette = sheet.palette
    landmarks.draw_sun(sheet, 1340, 240, 50)
    landmarks.draw_cloud(sheet, 200, 290, 1.1)
    landmarks.draw_hills(sheet, [(0, 560), (500, 500), (1100, 540), (1600, 500)], palette.middle)
    furniture.draw_school(sheet, 420, 720, 1.05)
    sheet.rectangle(0, 715, WIDTH, HEIGHT - 715, palette.near)
    for x, height in ((130, 330), (310, 260), (1330, 300), (1490, 360)):
        landmarks.draw_round_tree(sheet, x, 750, height, palette.ground)
    sheet.polygon([(720, 716), (890, 716), (1060, HEIGHT), (560, HEIGHT)], palette.wall)
    return sheet


def draw_playground() -> Sheet:
    """Show a slide in a garden, for the youngest."""
    sheet = Sheet(palettes.MORNING)
    palette = sheet.palette
    landmarks.draw_sun(sheet, 260, 260, 52)
    landmarks.draw_cloud(sheet, 980, 280, 1.0)
    landmarks.draw_hills(sheet, [(0, 580), (600, 500), (1600, 560)], palette.far)
    landmarks.draw_hills(sheet, [(0, 640), (500, 660), (1100, 610), (1600, 650)], palette.middle)
    for x, height in ((120, 300), (1180, 260), (1340, 380), (1520, 300)):
        landmarks.draw_round_tree(sheet, x, 730, height, palette.near)
    landmarks.draw_hills(sheet, [(0, 740), (800, 716), (1600, 750)], palette.ground)
    furniture.draw_slide(sheet, 560, 790, 1.25)
    return sheet


def draw_town_park() -> Sheet:
    """Show a park in autumn."""
    sheet = Sheet(palettes.AUTUMN)
    palette = sheet.palette
    landmarks.draw_sun(sheet, 1120, 260, 60)
    landmarks.draw_hills(sheet, [(0, 520), (500, 460), (1000, 510), (1600, 450)], palette.far)
    landmarks.draw_hills(sheet, [(0, 620), (500, 580), (1100, 620), (1600, 570)], palette.middle)
    tones = (palette.near, "#c9772f", "#8a4a2b", "#d29a3a", "#6d6a36")
    for place in range(11):
        x = 40 + place * 155
        landmarks.draw_round_tree(
            sheet, x, 690 + (place * 13) % 40, 230 + (place * 61) % 120, tones[place % 5]
        )
    landmarks.draw_hills(sheet, [(0, 730), (700, 700), (1600, 740)], palette.ground)
    sheet.polygon([(700, 715), (800, 712), (1180, HEIGHT), (520, HEIGHT)], palette.wall)
    return sheet


def draw_sorting_bins() -> Sheet:
    """Show the bins of the separate collection."""
    sheet = Sheet(palettes.NOON)
    palette = sheet.palette
    landmarks.draw_cloud(sheet, 1100, 260, 1.0)
    landmarks.draw_cloud(sheet, 180, 240, 0.8)
    landmarks.draw_house_row(sheet, 0, 1600, 660, 220)
    sheet.rectangle(0, 650, WIDTH, HEIGHT - 650, blend(palette.wall, palette.near, 0.3))
    lids = ("#c9a32e", "#4d8473", "#8a5a3c", "#5b7fa0")
    for place, lid in enumerate(lids):
        furniture.draw_bin(sheet, 300 + place * 270, 780, 1.1, lid)
    return sheet


def draw_book_shelves() -> Sheet:
    """Show the shelves of a library."""
    sheet = Sheet(palettes.DUSK)
    palette = sheet.palette
    sheet.rectangle(0, 0, WIDTH, HEIGHT, blend(palette.wall, palette.ground, 0.12))
    board = blend(palette.roof, "#241812", 0.45)
    for shelf in range(3):
        foot = 290 + shelf * 280
        furniture.draw_book_row(sheet, 50 + shelf * 24, WIDTH - 20, foot, 220)
        sheet.rectangle(0, foot, WIDTH, 22, board)
    return sheet


def draw_official_papers() -> Sheet:
    """Show the papers of the registry office."""
    sheet = Sheet(palettes.MORNING)
    palette = sheet.palette
    sheet.rectangle(0, 0, WIDTH, HEIGHT, blend(palette.water, palette.light, 0.35))
    sheet.rectangle(0, 690, WIDTH, HEIGHT - 690, blend(palette.wall, palette.ground, 0.35))
    for place, seal in enumerate(("#b5563d", "#2f6b7d", "#c98f2e")):
        furniture.draw_paper(sheet, 210 + place * 420, 190 + (place % 2) * 60, 1.2, seal)
    return sheet


def draw_building_site() -> Sheet:
    """Show new homes under a crane."""
    sheet = Sheet(palettes.AUTUMN)
    palette = sheet.palette
    landmarks.draw_cloud(sheet, 180, 280, 1.0)
    landmarks.draw_hills(sheet, [(0, 600), (700, 540), (1600, 580)], palette.far)
    furniture.draw_crane(sheet, 980, 760, 1.1)
    landmarks.draw_house_row(sheet, 60, 700, 760, 260)
    concrete = blend(palette.wall, palette.far, 0.4)
    for floor in range(4):
        top = 760 - (floor + 1) * 92
        sheet.rectangle(1090, top, 400 - floor * 40, 14, concrete)
        for pillar in range(5):
            sheet.rectangle(1096 + pillar * (370 - floor * 40) / 4, top, 16, 92, concrete)
    sheet.rectangle(0, 756, WIDTH, HEIGHT - 756, palette.ground)
    return sheet


def draw_evening_lights() -> Sheet:
    """Show the old town at night, lit for a feast."""
    sheet = Sheet(palettes.NIGHT)
    palette = sheet.palette
    landmarks.draw_stars(sheet, 70)
    landmarks.draw_sun(sheet, 1300, 230, 40)
    for centre, colour in ((420, "#46628f"), (820, "#4f6a94"), (1180, "#46628f")):
        sheet.polygon([(centre, 620), (centre - 240, 0), (centre - 90, 0)], colour)
    landmarks.draw_hills(sheet, SKYLINE, palette.middle)
    landmarks.draw_cathedral(sheet, 640, 500, 1.4, palette.wall)
    landmarks.draw_house_row(sheet, 0, 1600, 740, 170)
    sheet.rectangle(0, 735, WIDTH, HEIGHT - 735, palette.ground)
    for x in range(60, WIDTH, 150):
        sheet.line([(x, 735), (x, 650)], 5, palette.ground)
        sheet.disc(x, 640, 26, blend(palette.light, palette.ground, 0.7))
        sheet.disc(x, 640, 13, palette.light)
    return sheet


SCENES: dict[str, Callable[[], Sheet]] = {
    "vieille-ville": draw_old_town,
    "bords-de-riviere": draw_river_bank,
    "tramway": draw_tramway,
    "marche": draw_market,
    "ecole": draw_school_yard,
    "jeux": draw_playground,
    "parc": draw_town_park,
    "tri": draw_sorting_bins,
    "livres": draw_book_shelves,
    "papiers": draw_official_papers,
    "chantier": draw_building_site,
    "lumieres": draw_evening_lights,
}
