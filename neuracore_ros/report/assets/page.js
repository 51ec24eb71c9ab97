'use strict';
// Light or dark, as the reader chooses; and tables that a click on a heading sorts.
(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : dark.matches);
  const announce = () => document.dispatchEvent(new Event('themechange'));

  // A page that was opened as a file may have no storage.
  const stored = (value) => {
    try {
      if (value === undefined) return localStorage.getItem('neuracore_ros-theme');
      localStorage.setItem('neuracore_ros-theme', value);
    } catch { /* The choice lasts as long as the page is open. */ }
    return null;
  };

  const button = document.getElementById('theme');
  const label = () => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    button.setAttribute('aria-label', isDark() ? 'Use light colours' : 'Use dark colours');
  };
  const choose = (theme) => {
    if (theme) root.dataset.theme = theme;
    else delete root.dataset.theme;
    label();
    announce();
  };
  const before = stored();
  if (before === 'dark' || before === 'light') root.dataset.theme = before;
  button.hidden = false;
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    stored(theme);
    choose(theme);
  });
  dark.addEventListener('change', () => { label(); announce(); });
  label();

  // Paper is white.
  let onScreen;
  addEventListener('beforeprint', () => { onScreen = root.dataset.theme; choose('light'); });
  addEventListener('afterprint', () => choose(onScreen));

  // Columns of numbers by their size, with nothing last; others as text in which 10 follows 9.
  const value = (row, column) => {
    const cell = row.cells[column];
    return 'value' in cell.dataset ? cell.dataset.value : cell.textContent.trim();
  };
  const byText = (a, b) => a.localeCompare(b, undefined, { numeric: true });
  const bySize = (a, b) => {
    const [x, y] = [parseFloat(a), parseFloat(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? byText(a, b) : x - y || byText(a, b);
  };
  const isNothing = (text) => text === '' || text === '-';
  const sort = (table, column, descending) => {
    const isNumber = table.tHead.rows[0].cells[column].classList.contains('number');
    const compare = isNumber ? bySize : byText;
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => ({ row, text: value(row, column) }));
    rows.sort((a, b) => {
      if (isNothing(a.text) || isNothing(b.text)) return isNothing(a.text) - isNothing(b.text);
      return descending ? compare(b.text, a.text) : compare(a.text, b.text);
    });
    body.append(...rows.map(({ row }) => row));
  };
  for (const table of document.querySelectorAll('table.sortable')) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const switcher = document.createElement('button');
      switcher.type = 'button';
      switcher.append(...head.childNodes);
      head.append(switcher);
      switcher.addEventListener('click', () => {
        const was = head.getAttribute('aria-sort');
        // Of numbers, people look for the largest first.
        const first = head.classList.contains('number') ? 'descending' : 'ascending';
        const other = first === 'descending' ? 'ascending' : 'descending';
        const now = was === first ? other : first;
        for (const each of heads) each.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', now);
        sort(table, column, now === 'descending');
      });
    });
  }
  // Only what scrolls is a stop for the keyboard, and no stop is below a head that stays.
  const boxes = document.querySelectorAll('.scroll');
  const stops = new ResizeObserver((changes) => {
    for (const { target } of changes) {
      const scrolls = target.scrollWidth > target.clientWidth
        || target.scrollHeight > target.clientHeight;
      target.tabIndex = scrolls ? 0 : -1;
      const corner = target.querySelector('thead tr > *');
      if (!corner) continue;
      const { left, top } = getComputedStyle(corner);
      target.style.scrollPaddingLeft = left === '0px' ? `${corner.offsetWidth}px` : '';
      target.style.scrollPaddingTop = top === '0px' ? `${corner.offsetHeight}px` : '';
    }
  });
  for (const box of boxes) {
    stops.observe(box);
    // Browsers scroll only to what is outside of the box.
    box.addEventListener('focusin', ({ target }) => {
      const isByKey = target !== box && target.matches(':focus-visible');
      if (isByKey) target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    });
  }

  for (const input of document.querySelectorAll('input[data-filters]')) {
    const table = document.getElementById(input.dataset.filters);
    const count = document.getElementById(`${input.dataset.filters}-count`);
    input.closest('[hidden]')?.removeAttribute('hidden');
    input.addEventListener('input', () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += !row.hidden;
      }
      count.textContent = words.length ? `${shown} shown` : '';
    });
  }
})();
