"""Orders whose numbers would keep a web process busy for minutes."""

SCRIPT = """
import io, random, struct, sys, zlib
from models.errors import InvalidOrder
from models.rules.lattices import Effort
from models.rules.order_words import Fit
from models.rules.orders import MosaicOrder
from models.rules.repeats import QUICK
from web import precheck as peek

def picture(width, height):
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\\x89PNG\\r\\n\\x1a\\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))

def judged(size, order, tile_count, effort):
    try:
        peek.judge(io.BytesIO(picture(*size)), "t.png", 1 << 20, order, tile_count, effort)
    except InvalidOrder as refused:
        return str(refused)
    return ""

"""


def test_sixty_photos_that_may_lie_four_thousand_times_each_but_far_apart_are_refused_at_once(child):
    # It took 106 seconds.
    order = "MosaicOrder(cells_across=500, max_uses=4_000, min_distance=1_000)"
    said = child(SCRIPT + f"print(judged((500, 500), {order}, 60, Effort(QUICK)))", seconds=20)
    assert said.startswith("250,000 cells, 60 tiles: allow ")


def test_no_numbers_of_an_order_keep_a_web_process_busy(child):
    # Each takes some 25 ms at most; before, one in ten took seconds, and some took minutes.
    script = """
dice = random.Random(20261128)
for _ in range(200):
    any_size = dice.randint(1, 999), dice.randint(1, 999)
    size = dice.choice([(500, 500), (1_000, 250), (2, 100_000), (100_000, 200), any_size])
    order = MosaicOrder(
        cells_across=dice.choice([2, 500, 1_000, dice.randint(1, 1_000)]), tile_size=1, fit=dice.choice(list(Fit)),
        max_uses=dice.choice([1, 2, dice.randint(1, 50), dice.randint(1, 250_000)]),
        min_distance=dice.choice([1_000, 1_000 * dice.random(), 10 * dice.random()]),
    )
    judged(size, order, dice.choice([1, 60, 5_000_000, dice.randint(1, 300_000)]), Effort(QUICK))
print("done")
"""
    assert child(SCRIPT + script, seconds=60) == "done\n"


def test_a_batch_of_a_thousand_targets_makes_no_more_effort_than_one(child):
    # Of a thousand sizes, each of which alone takes a tenth of a second to refuse.
    script = """
effort = Effort(QUICK)
order = MosaicOrder(cells_across=500, tile_size=1, min_distance=226, max_uses=6)
print({judged((10_000 + number, 10_000), order, 44_880, effort) for number in range(1_000)})
"""
    assert child(SCRIPT + script, seconds=20) == "{''}\n"
