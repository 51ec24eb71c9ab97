"""A real browser: the Chromium of this machine, without a window, driven by Playwright."""

import shutil
from contextlib import contextmanager

BROWSERS = ('chromium', 'chromium-browser', 'google-chrome')
# Software draws WebGL, and nothing is looked for in the network.
OPTIONS = (
    '--no-sandbox',
    '--use-gl=angle',
    '--use-angle=swiftshader',
    '--enable-unsafe-swiftshader',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
)


def lacks():
    """The reason why there is no browser; empty if there is one."""
    if any(map(shutil.which, BROWSERS)):
        return ''
    return f'none of {", ".join(BROWSERS)} is installed: apt install chromium'


@contextmanager
def browser():
    """A running Chromium (`playwright.sync_api.Browser`)."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)))
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        try:
            yield running
        finally:
            running.close()
