"""Words that change what a number or a sentence says: units, numerals, months, negations, opposites.

English, German, French and Spanish, and the commonest of Chinese and Japanese; case folded.
"""

from decimal import Decimal

ARTICLES = frozenset({"a", "an", "the"})

NEGATIONS = frozenset(
    "not no never without cannot neither nor none non nicht kein keine keinen keinem keiner keines ohne nie niemals "
    "ne pas sans jamais aucun aucune sin nunca jamás ningún ninguna 不 没 無 无 未 勿".split()
)
BREAKS = frozenset("but and or und oder aber sondern et mais ou y pero sino whereas while".split())
"""Words that end what a negation before them denies."""

EITHER = frozenset("or oder ou o 或".split())
"""Words between answers of which one is meant."""

RANGE_WORDS = frozenset({"-", "~", "to", "through", "bis", "à", "至", "到"})
RANGE_PAIRS = {"between": "and", "zwischen": "und", "entre": "et"}
"""What opens a range, and the word that then stands between its ends."""
RANGE_OPENERS = frozenset({"from", "von", "de", *RANGE_PAIRS})

NUMBER_WORDS = {
    word: str(value)
    for words in (
        "zero one two three four five six seven eight nine ten eleven twelve",
        "null eins zwei drei vier fünf sechs sieben acht - zehn elf zwölf",
        "zéro - deux trois quatre cinq - sept huit neuf dix onze douze",
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce",
    )
    for value, word in enumerate(words.split())
    if word != "-"
} | {
    word: str(value)
    for word, value in zip(
        "thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty "
        "ninety".split(),
        (13, 14, 15, 16, 17, 18, 19, 20, 30, 40, 50, 60, 70, 80, 90),
        strict=True,
    )
}
del NUMBER_WORDS["once"]  # English

MULTIPLIERS = {
    "thousand": Decimal(10**3),
    "tausend": Decimal(10**3),
    "mille": Decimal(10**3),
    "million": Decimal(10**6),
    "millions": Decimal(10**6),
    "millionen": Decimal(10**6),
    "mio": Decimal(10**6),
    "billion": Decimal(10**9),
    "billions": Decimal(10**9),
    "万": Decimal(10**4),
    "亿": Decimal(10**8),
}

MONTHS = {
    name: number
    for names in (
        "january february march april may june july august september october november december",
        "jan feb mar apr may jun jul aug sep oct nov dec",
        "januar februar märz april mai juni juli august september oktober november dezember",
        "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    )
    for number, name in enumerate(names.split(), start=1)
}

PREFIXED_UNITS = frozenset({"W", "Hz", "Pa", "V", "A", "Ω", "J", "N", "Wh", "VA"})
"""After m or M, whose case tells milli from mega."""

UNITS = {
    spelling: meaning
    for meaning, spellings in {
        "mm": "mm millimetre millimetres millimeter millimeters millimètre millimètres milímetros 毫米",
        "cm": "cm centimetre centimetres centimeter centimeters zentimeter centimètres centímetros 厘米",
        "m": "m metre metres meter meters mètre mètres metro metros 米",
        "km": "km kilometre kilometres kilometer kilometers kilomètres kilómetros 公里",
        "inch": "inch inches zoll pouces",
        "ft": "ft foot feet",
        "mile": "mile miles mi",
        "µm": "µm μm micrometre micrometres micrometer micrometers micron microns",
        "nm": "nm nanometre nanometres nanometer nanometers",
        "g": "g gram grams gramm grammes gramos 克",
        "mg": "mg milligram milligrams",
        "kg": "kg kilogram kilograms kilo kilos kilogramm kilogrammes kilogramos 公斤 千克",
        "t": "t tonne tonnes ton tons",
        "lb": "lb lbs pound pounds",
        "l": "l litre litres liter liters litros 升",
        "ml": "ml millilitre millilitres milliliter milliliters 毫升",
        "bar": "bar bars",
        "mbar": "mbar millibar millibars",
        "kpa": "kpa kilopascal kilopascals",
        "psi": "psi",
        "pa": "pa pascal pascals",
        "v": "v volt volts 伏",
        "kv": "kv kilovolt kilovolts",
        "a": "ampere amperes amp amps 安",
        "w": "w watt watts 瓦",
        "kw": "kw kilowatt kilowatts 千瓦",
        "kwh": "kwh",
        "hz": "hz hertz",
        "khz": "khz kilohertz",
        "ghz": "ghz gigahertz",
        "ohm": "ohm ohms ω",
        "s": "s sec secs second seconds sekunde sekunden seconde secondes segundos 秒",
        "ms": "ms millisecond milliseconds",
        "min": "min mins minute minutes minuten minutos 分",
        "h": "h hr hrs hour hours stunde stunden heure heures hora horas 时",
        "day": "day days tag tage tagen jour jours día días 天",
        "week": "week weeks woche wochen semaine semaines semana semanas 周",
        "month": "month months monat monate monaten mois mes meses 月",
        "year": "year years yr yrs jahr jahre jahren an ans année années año años 年",
        "b": "byte bytes",
        "kb": "kb kilobyte kilobytes kib",
        "mb": "mb megabyte megabytes mib",
        "gb": "gb gigabyte gigabytes gib",
        "tb": "tb terabyte terabytes tib",
        "rpm": "rpm",
        "db": "db decibel decibels",
        "ppm": "ppm",
        "km/h": "km/h kph kmh",
        "mph": "mph",
        "m/s": "m/s",
        "l/h": "l/h",
        "l/min": "l/min",
        "°": "° degree degrees deg grad degré degrés grados 度",
        "c": "c celsius",
        "f": "f fahrenheit",
        "k": "k kelvin",
        "%": "% percent prozent pourcent pct",
        "€": "€ eur euro euros",
        "$": "$ usd dollar dollars",
        "£": "£ gbp",
        "¥": "¥ yen yuan 元",
    }.items()
    for spelling in spellings.split()
}

CURRENCIES = frozenset("eur euro euros usd gbp".split())
"""Units that also stand before their number."""

OPPOSITES = {
    word: other
    for first, second in (
        ("min", "max"),
        ("minimum", "maximum"),
        ("least", "most"),
        ("more", "less"),
        ("more", "fewer"),
        ("before", "after"),
        ("above", "below"),
        ("over", "under"),
        ("left", "right"),
        ("up", "down"),
        ("upper", "lower"),
        ("open", "closed"),
        ("on", "off"),
        ("enabled", "disabled"),
        ("enable", "disable"),
        ("true", "false"),
        ("increase", "decrease"),
        ("with", "without"),
        ("north", "south"),
        ("east", "west"),
        ("input", "output"),
        ("accept", "reject"),
        ("always", "never"),
        ("vor", "nach"),
    )
    for word, other in ((first, second), (second, first))
}
OPPOSITE_PREFIXES = ("un", "in", "im", "il", "ir", "non", "dis")

YES = frozenset("yes ja oui sí si 是 はい".split())
NO = frozenset("no nein non 否 不是 いいえ".split())

FUNCTION_WORDS = frozenset(
    "is are was were be been it its this that these those of in on at to for from by with as has have had which who "
    "there they he she you your we our will can may must do does did about "
    "every each once up within above below over under than most least exactly approximately only per "
    "der die das den dem des ein eine einen ist sind war es im am zu von für mit auf aus wird werden "
    "le la les un une des du de est sont il elle en au aux pour dans avec sur ce c'est "
    "el los las una es son del por para con se 是 的 为 了 在".split()
)
"""Words that a sentence around an answer consists of: they neither add to it nor spoil it."""
