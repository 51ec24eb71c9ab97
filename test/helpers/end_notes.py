"""What tests have to say once all have run, whichever worker of pytest-xdist they ran on."""

KEY = 'note at the end'


def add_note(item, title, text):
    """Have a text printed under a title at the end of the run."""
    item.user_properties.append((KEY, (title, text)))


class EndNotes:
    """The plug-in that collects and prints them."""

    def __init__(self):
        self._notes = {}

    def pytest_runtest_logreport(self, report):
        # The report of the teardown has what the others have, too.
        if report.when == 'teardown':
            for key, note in report.user_properties:
                if key == KEY:
                    title, text = note
                    self._notes.setdefault(title, []).append(text)

    def pytest_terminal_summary(self, terminalreporter):
        for title, texts in self._notes.items():
            terminalreporter.section(title)
            for text in texts:
                terminalreporter.line(text)
