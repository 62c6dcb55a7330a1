"""Data that nobody typed: the demo's cast, items and talk, and a database filled fast for trying out loads."""

from app.seed.cast import CAST
from app.seed.fill import fill
from app.seed.items import ITEMS
from app.seed.orders import ORDERS
from app.seed.plant import plant_demo

__all__ = ["CAST", "ITEMS", "ORDERS", "fill", "plant_demo"]
