"""Give the hours of the day their colours."""

from illustrations.canvas import Palette

MORNING = Palette(
    sky_high="#a9cfe0",
    sky_low="#fbeeda",
    sun="#fff6dc",
    far="#b5cdcb",
    middle="#7fa9a0",
    near="#4d8473",
    ground="#2f6654",
    water="#8fbccb",
    wall="#f1e3c8",
    roof="#b5563d",
    light="#fffaf0",
)
NOON = Palette(
    sky_high="#6fb0d2",
    sky_low="#d9eef3",
    sun="#fffdf2",
    far="#a4c8cf",
    middle="#6fa58f",
    near="#3f8064",
    ground="#2b6249",
    water="#5fa3c0",
    wall="#f4e8d0",
    roof="#c0583c",
    light="#ffffff",
)
DUSK = Palette(
    sky_high="#31527c",
    sky_low="#f6b98b",
    sun="#ffe2b0",
    far="#8f7f9d",
    middle="#5d6389",
    near="#344a70",
    ground="#1d3350",
    water="#c98f84",
    wall="#e9c9a6",
    roof="#8f3f35",
    light="#ffe9b8",
)
NIGHT = Palette(
    sky_high="#0f2038",
    sky_low="#3d5780",
    sun="#f5efdc",
    far="#334d75",
    middle="#263f64",
    near="#1a3152",
    ground="#122440",
    water="#2b4a73",
    wall="#c9b48f",
    roof="#6d3a38",
    light="#ffd98a",
)
AUTUMN = Palette(
    sky_high="#b8cdd6",
    sky_low="#fbe6c6",
    sun="#fff3d6",
    far="#d0b394",
    middle="#c28a52",
    near="#9a5f34",
    ground="#6b4529",
    water="#9cb9bf",
    wall="#f2e2c4",
    roof="#9c4630",
    light="#fff8ea",
)
