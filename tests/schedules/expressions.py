"""Generated cron expressions: most are what people write, some are what only one engine takes, some are none."""

from random import Random

_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_ODD = (
    "5-5", "7-0", "1-5/2", "0-7", "6-7", "5/2", "7/2", "3/1", "*/7", "*/1", "?", "?/2", "L", "5L", "1L,3L", "1,5L",
    "7L", "0L", "1#1", "5#5", "MON#2", "*#1", "1#6", "1#1,2", "MON-FRI", "mon-fri", "Mon", "FRIL", "JAN", "jan-mar",
    "SUN,SAT", "1,1", "1-3,2", "0,7", "1,,2", ",", "", "*/0", "*/100", "1-", "-1", "1-2-3", "*-5", "60", "24", "32",
    "13", "8", "a", "5/", "/5", "007", "1.5", "*,5", "1-31", "0-6", "1-7", "1-12", "LW", "15W", "*/99",
)  # fmt: skip


def generated(count: int, seed: int) -> list[str]:
    """So many expressions, the same for the same *seed*."""
    random = Random(seed)
    return [_expression(random) for _ in range(count)]


def _expression(random: Random) -> str:
    kind = random.random()
    if kind < 0.03:
        return random.choice([f"@{name}" for name in ("daily", "midnight", "weekdays", "minutely", "reboot", "DAILY")])
    fields = [_field(random, low, high, usual=0.9) for low, high in _RANGES]
    if kind < 0.5:
        fields[3] = "*"
    if kind < 0.2:
        fields[2] = "*"
    if kind > 0.9:
        fields = fields[random.randint(0, 4) :] if kind > 0.95 else [_field(random, 0, 59, usual=1), *fields]
    return random.choice([" ", " ", " ", "\t", "  "]).join(fields)


def _field(random: Random, low: int, high: int, usual: float) -> str:
    if random.random() > usual:
        return random.choice(_ODD)
    one, other = sorted(random.sample(range(low, high + 1), 2))
    step = random.randint(1, 9)
    return random.choice(
        ["*", "*", "*", str(one), str(one), f"{one}-{other}", f"{one},{other}", f"*/{random.randint(1, high)}",
         f"{one}-{other}/{step}", f"{one}/{step}", f"{one}-{other},{random.randint(low, high)}"]
    )  # fmt: skip
