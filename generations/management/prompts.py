# ruff: noqa: E501, SIM905 - lists of words are read across
"""Prompts as people write them, in five languages, for a library that only looks used.

Some words stand in most prompts, some in one of ten thousand, as in any real library.
"""

from __future__ import annotations

from random import Random

_ENGLISH = (
    "red boat,lighthouse,old harbour,market square,snowy mountain,city skyline,forest path,tea house,desert road,"
    "glass tower,paper crane,orange cat,sleeping dog,grey whale,hummingbird,vintage camera,steam train,hot-air balloon,"
    "ceramic vase,leather boots,wooden chair,running shoe,perfume bottle,wristwatch,espresso cup,croissant,lemon tart,"
    "robot gardener,astronaut,ballet dancer,street musician,fisherman,grandmother,child with kite,violin,bicycle,"
    "greenhouse,waterfall,coral reef,northern lights"
)
_SCENES = (
    "at dawn,at dusk,in the rain,under neon lights,in heavy fog,on a white background,in golden hour light,"
    "seen from above,in a mirror,beside a river,at midnight,in early spring,covered in snow,with long shadows,"
    "in a crowded street,on a wooden table,floating in space,behind a window,among wild flowers,by candlelight"
)
_STYLES = (
    "ink wash,watercolour,oil painting,35mm film photo,studio photograph,isometric render,pencil sketch,ukiyo-e print,"
    "minimalist poster,macro photograph,pastel illustration,claymation,low-poly render,charcoal drawing,art deco,"
    "product shot,storybook illustration,cinematic still,blueprint,risograph"
)
_CHINESE = (
    "红色的船,古老的灯塔,雪山,竹林,茶馆,城市夜景,橘猫,飞鹤,旧书店,江南水乡,长城,荷花池,宇航员,糖葫芦,旗袍女子,青花瓷",
    "在黎明,在雨中,在霓虹灯下,在薄雾里,从空中俯瞰,在窗边,在雪地里,黄昏时分",
    "水墨画,工笔画,电影感,极简海报,3D渲染,胶片摄影,插画风格,产品摄影",
)
_JAPANESE = (
    "赤い船,古い灯台,京都の桜,富士山,猫カフェ,夜の渋谷,茶室,折り鶴,温泉旅館,紅葉の庭,宇宙飛行士,ラーメン",
    "夜明けに,雨の中で,ネオンの下で,霧の中の,上から見た,窓辺の,雪の日に",
    "水彩画,浮世絵風,フィルム写真,アニメ背景,ミニマルなポスター,鉛筆スケッチ",
)
_KOREAN = (
    "빨간 배,오래된 등대,눈 덮인 산,한옥 마을,서울 야경,고양이,종이학,찻집,바다 위의 일출,벚꽃길,우주비행사,떡볶이",
    "새벽에,비 오는 날,네온사인 아래,안개 속에서,위에서 본,창가의,겨울밤에",
    "수묵화,수채화,필름 사진,미니멀 포스터,영화 같은 장면,연필 스케치",
)
_GERMAN = (
    "rotes Boot,alter Leuchtturm,verschneiter Gipfel,Fachwerkhaus,Weihnachtsmarkt,grüner Frosch,Straßenbahn,Bücherregal,"
    "Apfelkuchen,Schwarzwaldhütte,Astronautin,Kaffeetasse",
    "im Morgengrauen,im Regen,bei Nacht,im dichten Nebel,von oben gesehen,am Fenster,im Schnee",
    "Aquarell,Ölgemälde,Bleistiftzeichnung,Produktfoto,Filmszene,Plakat im Bauhausstil",
)
_NATIVE = tuple(
    tuple(tuple(part.split(",")) for part in language)
    for language in (
        (_ENGLISH, _SCENES, _STYLES),
        _CHINESE,
        _JAPANESE,
        _KOREAN,
        _GERMAN,
    )
)
_WEIGHTS = (50, 22, 10, 8, 10)
_JOINS = (", ", "，", "、", ", ", ", ")
_SYLLABLES = "ka,lo,mi,ren,tus,vel,dor,shi,ano,bre,qui,zan,pol,eth,ira,um".split(",")
TAGS = (
    "campaign,hero,draft,final,client,print,web,social,moodboard,reference,approved,rejected,packaging,spring,summer,"
    "autumn,winter,portrait,landscape,product,food,interior,poster,banner,icon,texture,logo,storyboard,character,"
    "海报,产品,草稿,ポスター,下書き,최종,초안,Entwurf,Plakat,Werbung"
).split(",")


def prompt(luck: Random) -> str:
    """One prompt; three of ten name a place or a project that few others name."""
    language = luck.choices(range(5), _WEIGHTS)[0]
    subjects, scenes, styles = _NATIVE[language]
    parts = [luck.choice(subjects), luck.choice(scenes), luck.choice(styles)]
    if language == 0:
        parts = [f"a {parts[0]} {parts[1]}", parts[2], *luck.sample(styles, luck.randrange(3))]
    if luck.random() < 0.3:
        parts.append(name(luck))
    return _JOINS[language].join(parts)


def name(luck: Random) -> str:
    """An invented name: a few are met often, most of some thousands hardly ever."""
    number = int(luck.paretovariate(0.6)) % 40_000
    letters = ""
    while number or not letters:
        number, at = divmod(number, len(_SYLLABLES))
        letters += _SYLLABLES[at]
    return letters.capitalize()
