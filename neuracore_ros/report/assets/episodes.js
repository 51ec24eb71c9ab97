'use strict';
// One episode at a time: its traces and pictures, all at the time that one cursor points to.
(() => {
  const NOTHING = 4095;
  const COLOURS = 7;
  const PREFIX = 'data-';
  const viewer = document.getElementById('viewer');
  if (!viewer) return;
  const part = (name) => viewer.querySelector(`[data-part="${name}"]`);
  const [title, about, slider, clock, cameras, charts, bands] = [
    'title', 'about', 'slider', 'clock', 'cameras', 'charts', 'bands'].map(part);
  const [play, previous, next] = ['play', 'previous', 'next'].map(part);

  let episode = null;
  let plots = [];
  let pictures = [];
  let step = 0;
  let opened = 0;
  let playing = 0;

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const create = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  // Four digits, and none that is finer than the levels of a line, `step` apart, can tell.
  const digits = (value, step = 0) => {
    const places = step > 0 ? Math.floor(-Math.log10(step)) : 9;
    const shown = Number(value.toPrecision(4));
    return String(Number(shown.toFixed(Math.max(0, Math.min(places, 9)))) || 0);
  };

  // Places of values without neighbours, which no line leads to; null without one.
  const lonely = (values) => {
    const places = values.flatMap((value, k) => (
      value !== null && (values[k - 1] ?? values[k + 1] ?? null) === null ? [k] : []));
    return places.length ? places : null;
  };

  // Lines of P points each: differences of 16 bits, the low bytes of all before the high ones.
  async function linesOf(data) {
    const packed = new Blob([bytesOf(data.numbers)]).stream();
    const unpacked = packed.pipeThrough(new DecompressionStream('deflate'));
    const bytes = new Uint8Array(await new Response(unpacked).arrayBuffer());
    const half = bytes.length / 2;
    const points = data.points;
    return data.charts.flatMap((chart) => chart.lines).map((line, place) => {
      const values = new Array(points);
      let code = 0;
      for (let k = 0; k < points; k++) {
        const at = place * points + k;
        code = (code + bytes[at] + 256 * bytes[half + at]) & 65535;
        values[k] = code === NOTHING ? null
          : line.low + (line.high - line.low) * code / (NOTHING - 1);
      }
      return values;
    });
  }

  const seconds = () => step / episode.rate;
  // Lines may have fewer points than the episode has steps.
  const pointAt = (time) => {
    const at = Math.round(time / episode.every);
    return Math.max(0, Math.min(episode.points - 1, at));
  };

  function plotOf(chart, times, values) {
    const box = create('figure', 'chart');
    const area = create('div', 'area');
    const legend = create('ul', 'legend');
    box.append(create('h3', '', chart.title), area, legend);
    charts.append(box);
    const unit = chart.unit ? ` [${chart.unit}]` : '';
    area.tabIndex = 0;
    area.setAttribute('role', 'group');
    area.setAttribute('aria-label',
      `${chart.title}${unit} over time: arrow keys move the cursor, a drag zooms in, ` +
      'Escape zooms out');
    const axis = (label) => ({
      label, labelSize: 18, labelFont: '12px system-ui, sans-serif', font: '12px system-ui, sans-serif',
      stroke: () => colour('--quiet'), grid: { stroke: () => colour('--line'), width: 1 },
      ticks: { stroke: () => colour('--line'), width: 1, size: 4 },
    });
    const wide = (u, labels) => 12 + 7 * Math.max(3, ...(labels || []).map((each) => each.length));
    const shades = (u) => {
      const context = u.ctx;
      for (const band of episode.bands) {
        const from = Math.max(u.valToPos(band.from, 'x', true), u.bbox.left);
        const to = Math.min(u.valToPos(band.to, 'x', true), u.bbox.left + u.bbox.width);
        if (to <= from) continue;
        context.fillStyle = colour(`--band-${band.kind}`);
        context.fillRect(from, u.bbox.top, to - from, u.bbox.height);
      }
    };
    const plot = new uPlot({
      width: Math.max(area.clientWidth, 200),
      height: 200,
      legend: { show: false },
      scales: { x: { time: false } },
      cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, dist: 6 } },
      axes: [{ ...axis('time [s]'), size: 30 },
        { ...axis(chart.unit || chart.quantity), size: wide,
          values: (u, ticks) => ticks.map((tick) => (tick === null ? '' : digits(tick))) }],
      series: [{}, ...chart.lines.map((line, n) => ({
        label: line.label,
        stroke: () => colour(`--colour${n % COLOURS}`),
        width: 1.5, points: { show: false, size: 4, filter: () => lonely(values[n]) }, spanGaps: false,
        dash: n < COLOURS ? undefined : [6, 4],
      }))],
      hooks: { drawClear: [shades], setScale: [(u, key) => key === 'x' && zoomedAs(u)] },
    }, [times, ...values], area);
    const line = create('div', 'now');
    plot.over.append(line);
    const outputs = chart.lines.map((each, n) => {
      const item = create('li');
      const button = create('button', n < COLOURS ? '' : 'dashed', each.label);
      button.type = 'button';
      button.title = 'Show or hide this line';
      button.setAttribute('aria-pressed', 'true');
      button.style.setProperty('--swatch', `var(--colour${n % COLOURS})`);
      button.addEventListener('click', () => {
        const shown = button.getAttribute('aria-pressed') !== 'true';
        button.setAttribute('aria-pressed', String(shown));
        plot.setSeries(n + 1, { show: shown });
      });
      const output = create('output');
      // A reader of the screen would speak of every line at every step.
      output.setAttribute('aria-live', 'off');
      item.append(button, ' ', output);
      legend.append(item);
      return output;
    });
    const point = (event) => {
      const left = event.clientX - plot.over.getBoundingClientRect().left;
      goTo(plot.posToVal(left, 'x') * episode.rate);
    };
    // While it plays, only a press moves the time.
    plot.over.addEventListener('pointermove', (event) => playing || point(event));
    plot.over.addEventListener('pointerdown', (event) => { stop(); point(event); });
    area.addEventListener('keydown', byKey);
    const levels = chart.lines.map(({ low, high }) => (high - low) / (NOTHING - 1));
    return { plot, area, line, outputs, values, levels };
  }

  // A zoom of one plot is that of all.
  let zooming = false;
  function zoomedAs(source) {
    if (zooming) return;
    zooming = true;
    const { min, max } = source.scales.x;
    for (const { plot } of plots) if (plot !== source) plot.setScale('x', { min, max });
    zooming = false;
    requestAnimationFrame(showTime);
  }

  function zoomOut() {
    const last = plots.length ? plots[0].plot.data[0].at(-1) : 0;
    for (const { plot } of plots) plot.setScale('x', { min: 0, max: last });
  }

  function byKey(event) {
    const moves = { ArrowLeft: -1, ArrowRight: 1, PageDown: 20, PageUp: -20,
      Home: -Infinity, End: Infinity };
    if (event.key === 'Escape') zoomOut();
    else if (event.key in moves) goTo(step + moves[event.key]);
    else return;
    event.preventDefault();
  }

  function pictureOf(camera) {
    const box = create('figure');
    const canvas = create('canvas');
    canvas.width = camera.width;
    canvas.height = camera.height;
    canvas.setAttribute('role', 'img');
    box.style.setProperty('--shape', camera.width / camera.height);
    const caption = create('figcaption');
    box.append(canvas, caption);
    cameras.append(box);
    const picture = { camera, canvas, caption, image: new Image(), frame: -1 };
    picture.image.addEventListener('load', () => { picture.frame = -1; showPicture(picture); });
    picture.image.src = camera.src;
    return picture;
  }

  // The newest frame at that time.
  function showPicture(picture) {
    const { camera, canvas, caption, image } = picture;
    let frame = camera.steps.findLastIndex((each) => each <= step);
    frame = Math.max(frame, 0);
    if (frame === picture.frame || !image.complete || !image.naturalWidth) return;
    picture.frame = frame;
    const [column, row] = [frame % camera.columns, Math.floor(frame / camera.columns)];
    canvas.getContext('2d').drawImage(image, column * camera.width, row * camera.height,
      camera.width, camera.height, 0, 0, camera.width, camera.height);
    const at = (camera.steps[frame] / episode.rate).toFixed(2);
    caption.textContent = `${camera.label}, ${at} s`;
    canvas.setAttribute('aria-label', `Camera ${camera.label} at ${at} s`);
    canvas.dataset.frame = frame;
  }

  function showTime() {
    if (!episode) return;
    slider.value = step;
    const text = `${seconds().toFixed(2)} s, step ${step}`;
    clock.textContent = text;
    slider.setAttribute('aria-valuetext', text);
    const at = pointAt(step);
    for (const { plot, line, outputs, values, levels } of plots) {
      const left = plot.valToPos(seconds(), 'x');
      line.hidden = !(left >= -1 && left <= plot.over.clientWidth + 1);
      line.style.left = `${left - 0.75}px`;
      outputs.forEach((output, n) => {
        const value = values[n][at];
        output.textContent = value === null ? '-' : digits(value, levels[n]);
      });
    }
    pictures.forEach(showPicture);
  }

  function goTo(wanted) {
    if (!episode || Number.isNaN(wanted)) return;
    step = Math.max(0, Math.min(episode.steps - 1, Math.round(wanted)));
    showTime();
  }

  function stop() {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = 'Play';
  }

  function start() {
    if (!episode) return;
    if (step >= episode.steps - 1) goTo(0);
    const [from, since] = [step, performance.now()];
    play.textContent = 'Pause';
    const tick = (now) => {
      goTo(from + (now - since) / 1000 * episode.rate);
      if (step >= episode.steps - 1) stop();
      else playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
  }

  async function open(key) {
    const source = document.getElementById(PREFIX + key);
    if (!source) return;
    stop();
    const turn = ++opened;
    const data = JSON.parse(source.textContent);
    let values;
    try {
      values = await linesOf(data);
    } catch (error) {
      about.textContent = `The traces cannot be shown: ${error.message}. They need a browser of ` +
        '2023 or newer.';
      return;
    }
    if (turn !== opened) return;
    for (const { plot } of plots) plot.destroy();
    charts.replaceChildren();
    cameras.replaceChildren();
    bands.replaceChildren();
    plots = [];
    episode = data;
    step = 0;
    slider.max = data.steps - 1;
    title.textContent = data.title;
    about.textContent = data.about;
    const times = Array.from({ length: data.points }, (_, k) => k * data.every / data.rate);
    let place = 0;
    for (const chart of data.charts) {
      plots.push(plotOf(chart, times, values.slice(place, place + chart.lines.length)));
      place += chart.lines.length;
    }
    pictures = data.cameras.map(pictureOf);
    for (const band of data.bands) {
      const spent = `${band.from.toFixed(2)} to ${band.to.toFixed(2)} s`;
      const item = create('li', '', `${band.text}, ${spent}`);
      item.style.setProperty('--swatch', `var(--band-${band.kind})`);
      bands.append(item);
    }
    for (const row of document.querySelectorAll('tr.open')) row.classList.remove('open');
    const link = linkOf(key);
    link?.closest('tr')?.classList.add('open');
    viewer.dataset.shown = key;
    steer();
    showTime();
  }

  // The table beside the viewer gives the order, as it is sorted and filtered now.
  const links = () => Array.from(document.querySelectorAll('table[data-opens] tbody a[href^="#"]'))
    .filter((link) => !link.closest('tr').hidden);
  const linkOf = (key) => document.querySelector(`table[data-opens] a[href="#${CSS.escape(key)}"]`);
  const placeOf = (all) => all.findIndex((link) => link.hash.slice(1) === viewer.dataset.shown);
  function steer() {
    const all = links();
    const place = placeOf(all);
    previous.disabled = place <= 0;
    next.disabled = place + 1 >= all.length;
  }
  const go = (by) => {
    const all = links();
    const link = all[placeOf(all) + by];
    if (link) location.hash = link.hash;
  };
  previous.addEventListener('click', () => go(-1));
  next.addEventListener('click', () => go(1));
  play.addEventListener('click', () => (playing ? stop() : start()));
  slider.addEventListener('input', () => { stop(); goTo(Number(slider.value)); });
  document.addEventListener('themechange', () => plots.forEach(({ plot }) => plot.redraw(false)));
  document.addEventListener('click', (event) => event.target.closest('thead') && steer());
  document.addEventListener('input', (event) => event.target.matches('[data-filters]') && steer());
  new ResizeObserver(() => {
    for (const { plot, area } of plots) {
      if (area.clientWidth && area.clientWidth !== plot.width) {
        plot.setSize({ width: area.clientWidth, height: 200 });
      }
    }
    requestAnimationFrame(showTime);
  }).observe(charts);

  const steering = viewer.querySelector('.steer');
  new ResizeObserver(() => {
    viewer.style.setProperty('--steer', `${steering.offsetHeight}px`);
  }).observe(steering);

  const keyOfHash = () => location.hash.slice(1);
  addEventListener('hashchange', async () => {
    const key = keyOfHash();
    if (!key) open(viewer.dataset.first);
    if (!document.getElementById(PREFIX + key)) return;
    await open(key);
    viewer.scrollIntoView({ block: 'start' });
    title.focus({ preventScroll: true });
  });
  viewer.hidden = false;
  const first = document.getElementById(PREFIX + keyOfHash()) ? keyOfHash() : viewer.dataset.first;
  open(first);
})();
