"""The words that the generated worlds are made of: names, things, units, values of every shape.

Nothing here is real. Names are put together from syllables, so there are more of them than
training ever sees; a hash of the name decides whether it is kept for evaluation.
"""

# ruff: noqa: SIM905 -- word lists read better as text than as lists of strings

import hashlib
from random import Random

ONSETS = "b br c ch cl d dr f fl g gl gr h j k kr l m n p pl pr qu r s sh sk sl st t th tr v w y z".split()
NUCLEI = "a e i o u ai ea ia io oa ou ee ar er or an en in on el".split()
CODAS = ["", "", "", "l", "n", "r", "s", "t", "x", "m", "nd", "rk", "st", "th", "ck", "lt"]
REAL = (
    "Falcon Otter Heron Summit Harbor Beacon Cedar Nimbus Orbit Pioneer Ranger Voyager Comet Delta Atlas Aurora Boreal "
    "Canyon Drift Ember Fjord Glacier Horizon Iris Juniper Lantern Meadow Nova Onyx Pebble Quartz Raven Sierra Tundra "
    "Vertex Willow Zephyr Anchor Badger Cobalt Dune Echo Finch Granite Hazel Indigo Jasper Kite Lotus Marlin Plover"
).split()
SUFFIXES = ["Pro", "Lite", "Mini", "Max", "Plus", "Go", "Air", "Edge", "Core", "Box", "Hub", "One", "XL", "S", "Duo"]
COMPANIES = "Ltd GmbH Group Labs Systems Instruments Foods Works".split()
FIRST_NAMES = (
    "Anna Omar Priya Lukas Mei Jonas Fatima Carlos Ingrid Kofi Elena Tomas Aisha Viktor Nora Hugo Leila Marco Yuki "
    "Sven Clara Ravi Maja Diego Ruth Ivan Zoe Samuel Greta Amir Paula Felix Dana Otto Lina Pedro Hana Erik Sofia Karim"
).split()
PRODUCTS = (
    "pump sensor router camera drone scanner printer heater charger gateway controller mixer compressor thermostat "
    "dryer kettle freezer monitor battery filter valve meter lamp engine generator bike scale server tracker recorder"
).split()
PARTS = (
    "hatch cover inlet outlet pump motor fan housing lid base arm blade cable hose filter screen bracket shaft belt "
    "gear lens bulb tank tray door seal cap probe antenna connector terminal wheel handle latch drum nozzle cartridge "
    "membrane wiper fuse"
).split()
MODIFIERS = (
    "maximum minimum default nominal rated recommended typical average initial daily weekly monthly annual internal "
    "external total standard lower upper normal peak reserve idle starting operating storage shipping net gross allowed"
).split()
TOOLS = (
    "hex key, torque wrench, flat screwdriver, soft brush, microfibre cloth, multimeter, pipette, spanner, "
    "crimping tool, plastic spatula, heat gun, feeler gauge"
).split(", ")
LIQUIDS = (
    "distilled water, isopropyl alcohol, silicone grease, mild detergent, white vinegar, machine oil, buffer solution, "
    "saline solution, cooling fluid"
).split(", ")
COLOURS = "red green blue amber white orange yellow purple black silver grey turquoise".split()
MATERIALS = (
    "stainless steel, anodised aluminium, polycarbonate, titanium, brass, ABS plastic, carbon fibre, silicone rubber, "
    "tempered glass, bronze, nylon, ceramic, oak, cast iron"
).split(", ")
LED_STATES = (
    "solid green, blinking red, slow blue pulse, flashing amber, steady white, alternating red and green, "
    "two short orange flashes, rapid yellow blink"
).split(", ")
TOPICS = (
    "billing exports backups alerts calibration reporting onboarding security shipping returns training travel "
    "procurement support maintenance payroll hiring translation logistics testing packaging marketing"
).split()
VERBS = "sync backup cache retry log export upload alert queue index report session token poll archive render".split()
KEYS = "interval timeout limit size level mode path port depth ttl count threshold format host window retries".split()
FAULTS = (
    "battery low, motor blocked, sensor disconnected, filter clogged, no network, door open, overheating, "
    "memory full, wrong password, invalid token, clock not set, firmware mismatch, pressure too low, tank empty, "
    "checksum failed, licence expired, disk almost full, leak detected, fan stalled, signal lost"
).split(", ")
REMEDIES = (
    "charge the unit for two hours, clear the inlet, reseat the connector, replace the filter, "
    "move closer to the gateway, close the door and press start, let it cool down, delete old recordings, "
    "reset the password, request a new token, "
    "set the clock, install the latest firmware, check the hose, refill the tank, repeat the download, "
    "renew the licence, free some space, dry the housing, clean the fan, turn the antenna, call the service desk, "
    "hold the power button for ten seconds"
).split(", ")
# In training, faults, remedies and tools are put together from these, too, so as not to be known by heart.
FAULT_STATES = (
    "stuck|worn out|missing|loose|wet|broken|frozen|not found|out of place|bent|cracked|unplugged|"
    "leaking|upside down|too tight|rusty|dusty|not recognised"
).split("|")
MENDING = "replace|tighten|dry|warm up|turn|push in|take out|lift|oil|empty|shake|straighten|brush|rinse|unplug".split(
    "|"
)
MENDING_ENDS = "|||| twice| by hand| and try again| until it clicks| for ten minutes| before the next start".split("|")
TOOL_KINDS = "small|long|clean|5 mm|plastic|steel|cordless|angled|soft|second".split("|")
TOOL_NAMES = (
    "wrench|brush|cloth|screwdriver|hammer|knife|hook|ruler|sponge|clamp|magnet|syringe|needle|pair of pliers".split(
        "|"
    )
)
FILLERS = (
    "Read this section before you begin.|Contact support if you are unsure.|This page was last reviewed by the team.|"
    "Keep the packaging for later.|The figures apply to all regions.|See the appendix for drawings.|"
    "Other models behave differently.|Do not share this document outside the company.|"
    "Customers often ask about this.|The table below lists the values.|Most people never need to change it.|"
    "Earlier editions of this page said otherwise.|A short summary follows.|Store it in a dry place.|"
    "Ask your manager if in doubt.|Changes take effect at once.|Some options depend on your plan."
).split("|")
SECTIONS = (
    "Specifications|Overview|Technical data|Maintenance|Troubleshooting|Installation|Getting started|Safety|Pricing|"
    "Reference|Release notes|FAQ|Policy|Configuration|Service"
).split("|")
MONTHS = "January February March April May June July August September October November December".split()

QUANTITIES: dict[str, list[str]] = {
    "temperature": ["°C", "degrees Celsius", "°F", "K"],
    "pressure": ["bar", "kPa", "psi", "mbar"],
    "torque": ["Nm", "N·m", "in-lb"],
    "voltage": ["V", "volts", "V DC", "mV"],
    "current": ["A", "mA", "amps"],
    "power": ["W", "kW", "watts"],
    "weight": ["kg", "g", "lb", "kilograms"],
    "length": ["mm", "cm", "m", "inches"],
    "depth": ["m", "cm", "metres"],
    "diameter": ["mm", "cm", "inches"],
    "thickness": ["mm", "µm"],
    "distance": ["km", "m", "miles"],
    "speed": ["rpm", "km/h", "m/s", "Mbit/s"],
    "frequency": ["Hz", "kHz", "MHz", "GHz"],
    "capacity": ["litres", "Ah", "mAh", "GB", "ml"],
    "flow": ["l/min", "m³/h", "ml/s"],
    "interval": ["seconds", "minutes", "hours", "days"],
    "delay": ["ms", "seconds", "minutes"],
    "duration": ["minutes", "hours", "days", "weeks"],
    "lifetime": ["years", "months", "hours", "cycles"],
    "fee": ["EUR", "USD", "euros", "dollars"],
    "price": ["EUR", "USD", "euros", "dollars"],
    "limit": ["requests per minute", "MB", "users", "items", "GB"],
    "quota": ["GB", "messages per day", "seats", "calls"],
    "humidity": ["%", "percent"],
    "accuracy": ["%", "percent", "mm"],
    "noise": ["dB", "dB(A)"],
    "threshold": ["%", "mg/l", "ppm", "NTU"],
    "concentration": ["mg/l", "ppm", "mol/l"],
    "angle": ["degrees", "°"],
    "load": ["kg", "kN", "t"],
    "range": ["m", "km", "mm"],
}


def held_out(name: str) -> bool:
    """Whether a name (or any other text) belongs to evaluation: one in eight, by its hash."""
    return hashlib.sha256(name.encode()).digest()[0] < 32


def syllables(random: Random, low: int, high: int) -> str:
    """An invented word."""
    parts = [random.choice(ONSETS) + random.choice(NUCLEI) for _ in range(random.randint(low, high))]
    return "".join(parts) + random.choice(CODAS)


def stem(random: Random, evaluation: bool) -> str:
    """A capitalised name that evaluation and training never share."""
    while True:
        name = random.choice(REAL) if random.random() < 0.3 else syllables(random, 1, 3).capitalize()
        if held_out(name) == evaluation:
            return name


def number(random: Random) -> str:
    """A number as manuals write them: integers of every size, decimals, ranges, signs."""
    shape = random.random()
    if shape < 0.45:
        return str(random.choice([random.randint(1, 20), random.randint(1, 100), random.randint(10, 999)]))
    if shape < 0.65:
        return f"{random.randint(0, 99)}.{random.choice([5, random.randint(1, 9), random.randint(1, 99)])}"
    if shape < 0.75:
        return str(random.randint(1, 99) * random.choice([10, 50, 100, 250, 1000]))
    if shape < 0.82:
        return f"{random.randint(1, 99)},{random.randint(0, 999):03d}"
    if shape < 0.92:
        low = random.randint(0, 60)
        return f"{low}{random.choice(['-', ' to ', '–'])}{low + random.randint(1, 60)}"
    return f"{random.choice(['-', '±', '+'])}{random.randint(1, 60)}"


def quantity(random: Random, noun: str) -> str:
    """A number with a unit that fits the noun."""
    unit = random.choice(QUANTITIES[noun])
    value = number(random)
    if unit == "%" or unit.startswith("°"):
        return f"{value}{random.choice(['', ' '])}{unit}"
    return f"{value} {unit}"


def person(random: Random) -> str:
    """First and last name."""
    return f"{random.choice(FIRST_NAMES)} {syllables(random, 1, 2).capitalize()}"


def date(random: Random) -> str:
    """A date in one of the usual spellings."""
    day, month, year = random.randint(1, 28), random.randint(1, 12), random.randint(1960, 2031)
    return random.choice(
        [
            f"{day} {MONTHS[month - 1]} {year}",
            f"{MONTHS[month - 1]} {day}, {year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{MONTHS[month - 1]} {year}",
            str(year),
        ]
    )


def version(random: Random) -> str:
    """A version number."""
    return ".".join(str(random.randint(0, 24)) for _ in range(random.choice([2, 2, 3])))


def code(random: Random) -> str:
    """A part number, a serial or an error code."""
    letters = "".join(random.choice("ABCDEFGHKLMNPRSTUWX") for _ in range(random.randint(1, 3)))
    return f"{letters}{random.choice(['-', '', ' '])}{random.randint(1, 9999)}"


def path(random: Random) -> str:
    """A file path, an address or an environment variable."""
    words = [random.choice(VERBS + KEYS + TOPICS) for _ in range(3)]
    return random.choice(
        [
            f"/etc/{words[0]}/{words[1]}.conf",
            f"/var/{words[0]}/{words[1]}/{words[2]}",
            f"~/.{words[0]}/{words[1]}.toml",
            f"/api/v{random.randint(1, 4)}/{words[0]}/{words[1]}",
            f"{words[0].upper()}_{words[1].upper()}",
            f"{words[0]}@{syllables(random, 1, 2)}.com",
            f"https://{words[0]}.{syllables(random, 1, 2)}.io",
        ]
    )


def command(random: Random) -> str:
    """A command line."""
    tool = syllables(random, 1, 2) + random.choice(["ctl", "", "-cli"])
    flag = random.choice(["", f" --{random.choice(KEYS)} {random.randint(1, 99)}", f" --{random.choice(VERBS)}", " -v"])
    return f"{tool} {random.choice(VERBS)}{random.choice(['', ' ' + random.choice(KEYS)])}{flag}"
