"""Looks for what keeps people out of a page, with axe-core as `frontend/package.json` pins it."""

from __future__ import annotations

from playwright.async_api import Page

from tests.harness import ROOT

SOURCE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
GRAVE = ("serious", "critical")
LOOK = "(rules) => axe.run(document, { resultTypes: ['violations'], ...(rules && { runOnly: rules }) })"


async def findings(page: Page, *rules: str) -> list[str]:
    """What axe finds serious or critical on the page as it is now, shadow roots included: rule, elements, why.
    By all its rules, or by some."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(SOURCE.read_text())
    result = await page.evaluate(LOOK, list(rules) or None)
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in result["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]
