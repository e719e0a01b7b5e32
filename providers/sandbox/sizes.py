"""The sizes ByteDance's resellers recommend for Seedream 5.0 Lite (e.g. docs.apimart.ai, Runware's notes)."""

_LANDSCAPE = {
    ("1:1", "2K"): (2048, 2048),
    ("4:3", "2K"): (2304, 1728),
    ("16:9", "2K"): (2848, 1600),
    ("3:2", "2K"): (2496, 1664),
    ("21:9", "2K"): (3136, 1344),
    ("1:1", "3K"): (3072, 3072),
    ("4:3", "3K"): (3456, 2592),
    ("16:9", "3K"): (4096, 2304),
    ("3:2", "3K"): (3744, 2496),
    ("21:9", "3K"): (4704, 2016),
}
_TURNED = {"4:3": "3:4", "16:9": "9:16", "3:2": "2:3"}  # 9:21 is not sold

# (aspect, tier) to width and height in pixels
RECOMMENDED = _LANDSCAPE | {
    (_TURNED[aspect], tier): (height, width)
    for (aspect, tier), (width, height) in _LANDSCAPE.items()
    if aspect in _TURNED
}
AREAS = {"2K": 2048 * 2048, "3K": 3072 * 3072}  # pixels an automatic aspect gets
