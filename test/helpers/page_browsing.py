"""Pages of the package in a real browser, watched: nothing may be fetched, and nothing go wrong."""

from contextlib import contextmanager

from playwright.sync_api import expect

# A busy machine is slow.
expect.set_options(timeout=30_000)
OWN = ('file:', 'data:', 'blob:')


@contextmanager
def watched(chromium):
    """A function that opens a page file; at the end, all that went wrong is raised.

    Pages that have a viewer are given when it shows an episode.
    """
    wrong, contexts = [], []

    def asked(request):
        if not request.url.startswith(OWN):
            wrong.append(f'asks for {request.url}')

    def open_page(file, width=1200, colours='light', key='', script=True):
        context = chromium.new_context(
            viewport={'width': width, 'height': 800},
            color_scheme=colours,
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.on('console', lambda said: wrong.append(said.text))
        page.on('pageerror', lambda error: wrong.append(str(error)))
        page.on('request', asked)
        page.goto(f'{file.as_uri()}{key and "#"}{key}')
        if script and page.locator('#viewer').count():
            page.wait_for_selector('#viewer[data-shown]')
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def clock(page):
    """The element with the time at the cursor."""
    return page.locator('[data-part=clock]')


def at(page):
    """The step that the clock, each plot's cursor and the pictures show."""
    page.wait_for_selector('canvas[data-frame]')
    return page.evaluate(
        """() => ({
            clock: document.querySelector('[data-part=clock]').textContent,
            cursors: [...document.querySelectorAll('.now')].map((line) => {
                const over = line.parentElement.getBoundingClientRect();
                return (line.getBoundingClientRect().left + 0.75 - over.left) / over.width;
            }),
            frame: document.querySelector('canvas[data-frame]').dataset.frame,
            red: (() => {
                const copy = new OffscreenCanvas(9, 9).getContext('2d');
                copy.drawImage(document.querySelector('canvas[data-frame]'), 0, 0);
                return copy.getImageData(5, 5, 1, 1).data[0];
            })(),
            values: [...document.querySelectorAll('.legend output')].map((o) => o.textContent),
        })"""
    )


def is_painted(page, *colour):
    """Whether a plot has this colour somewhere."""
    return page.evaluate(
        """(colour) => {
            const canvas = document.querySelector('.uplot canvas');
            const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
            copy.drawImage(canvas, 0, 0);
            const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
            for (let k = 0; k < data.length; k += 4) {
                if (colour.every((c, n) => Math.abs(c - data[k + n]) < 6)) return true;
            }
            return false;
        }""",
        colour,
    )
