"""Where Piccolo looks for its database, its tables and its migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, AppRegistry

from app.database import DB
from app.tables import TABLES

APP_CONFIG = AppConfig(
    app_name="parley",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=TABLES,
)

# The registry imports this very module and finds APP_CONFIG above.
APP_REGISTRY = AppRegistry(apps=["piccolo_conf"])

__all__ = ["APP_CONFIG", "APP_REGISTRY", "DB"]
