"use strict";
// The page draws what the element "data" holds. Texts of the data become text nodes only.
(() => {
  const byID = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";

  // h makes an element. Properties that start with "on" are listeners, others attributes.
  function h(tag, attributes, ...children) {
    return fill(document.createElement(tag), attributes, children);
  }
  function s(tag, attributes, ...children) {
    return fill(document.createElementNS(SVG, tag), attributes, children);
  }
  function fill(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined && child !== "") element.append(child);
    }
    return element;
  }

  const MEANING = {
    executed: "The run ended with success: a workflow run, or what the agent recorded.",
    received: "A consumer has acknowledged the event, or a run was started. Its end is not known yet.",
    prepared: "The event reached every target. No consumer has acknowledged it yet.",
    due: "The slot has passed, and the grace is not over.",
    overdue: "The slot passed longer than the grace ago, and there is no receipt.",
    missed: "The next period has begun, and there is no receipt. It will not be prepared any more.",
    failed: "The run ended without success, or a consumer rejected the event.",
    invalid: "The manifest has errors, so nothing runs.",
    unknown: "The manifest or the ledger could not be read.",
    disabled: "The manifest pauses the entry.",
    duplicate: "Flag: more than one receipt, acknowledgement or run for one event.",
    unreceived: "Flag: prepared longer than the grace ago, and not acknowledged.",
    partial: "Flag: some targets have the event and others do not.",
    forced: "Flag: prepared again on request.",
  };
  const ICONS = {
    executed: "M2.5 8.5 6 12 13.5 4", failed: "M4 4l8 8M12 4l-8 8",
      missed: "M3 13 13 3M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8",
    overdue: "M8 2.5v7M8 13.2v.1", received: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M5.5 8.2 7.3 10l3.2-3.6",
    prepared: "M2 8h10M8.5 4 12.5 8l-4 4", due: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2M8 5v3.2l2 1.6",
    invalid: "M8 2 1.8 13.5h12.4zM8 6.5v3.2M8 11.6v.1",
      unknown: "M5.6 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.7 8 9.2 8 10M8 12.8v.1",
    disabled: "M5.5 3.5v9M10.5 3.5v9",
  };
  const icon = (state) => s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" },
    s("path", { class: "icon", d: ICONS[state] || ICONS.unknown }));
  const badge = (state) => h("span", { class: "badge " + state }, icon(state), state);

  // Times are those of UTC, as in the names of periods.
  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const two = (n) => String(n).padStart(2, "0");
  function day(seconds) {
    const d = new Date(seconds * 1000);
    return `${DAYS[d.getUTCDay()]} ${d.getUTCDate()} ${MONTHS[d.getUTCMonth()]}`;
  }
  function instant(seconds) {
    const d = new Date(seconds * 1000);
    return `${d.getUTCFullYear()}-${two(d.getUTCMonth() + 1)}-${two(d.getUTCDate())} ` +
      `${two(d.getUTCHours())}:${two(d.getUTCMinutes())}`;
  }
  const time = (seconds) => seconds ? h("time", { datetime: new Date(seconds * 1000).toISOString() }, instant(seconds))
    : "–";
  const number = (n) => n.toLocaleString("en");
  const percent = (part, whole) => whole ? `${(Math.floor(part / whole * 1000) / 10).toLocaleString("en")}\u00a0%`
    : "–";
  const plural = (n, word, many) => `${number(n)} ${n === 1 ? word : many || word + "s"}`;
  function duration(seconds) {
    if (seconds < 90) return `${Math.round(seconds)} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 360) / 10} h`;
  }

  // Theme: that of the system, until the reader chooses another.
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const themes = ["system", "light", "dark"];
  let theme = "system";
  try {
    const chosen = localStorage.getItem("theme");
    if (themes.includes(chosen)) theme = chosen;
  } catch { /* a file may have no storage */ }
  function applyTheme() {
    document.documentElement.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    byID("theme").textContent = "Theme: " + theme;
  }
  byID("theme").addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try { localStorage.setItem("theme", theme); } catch { /* a file may have no storage */ }
    applyTheme();
  });
  dark.addEventListener("change", applyTheme);
  applyTheme();

  let data;
  try {
    data = JSON.parse(byID("data").textContent);
  } catch {
    byID("fault").textContent = "The data of this page is incomplete. Make the report again, or open its JSON form.";
    byID("fault").hidden = false;
    return;
  }
  const STATES = data.states;
  const at = (state) => STATES.indexOf(state);
  const RESULT = ["executed", "failed"];
  const DELIVERED = ["executed", "received", "prepared", "failed"];
  const DECIDED = [...DELIVERED, "missed", "overdue"];
  const sum = (days, states) => days.reduce((n, d) => n + states.reduce((m, x) => m + d.counts[at(x)], 0), 0);

  // A link leads to a server that the report knows, or is plain text.
  function link(address, text) {
    try {
      const url = new URL(address);
      const plain = url.protocol === "https:" || url.protocol === "http:";
      if (plain && !url.username && !url.password && data.servers.includes(url.origin)) {
        return h("a", { href: url.href, rel: "noopener noreferrer", target: "_blank" }, text);
      }
    } catch { /* no address */ }
    return h("span", {}, text);
  }

  // readable makes the parts of a chart readable by pointer and arrow keys. pick marks a part, say describes it.
  function readable(element, count, pick, say, columns, first = count - 1) {
    const out = h("p", { class: "readout", "aria-live": "polite" }, columns === 0 ? say(first)
      : "Point at a part, or use the arrow keys, to read it.");
    let current = -1;
    const show = (i) => {
      current = Math.max(0, Math.min(count - 1, i));
      pick(current);
      out.replaceChildren(...say(current));
    };
    element.addEventListener("keydown", (e) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns || 0, ArrowUp: -(columns || 0) }[e.key];
      const next = e.key === "Home" ? 0 : e.key === "End" ? count - 1 : step
        ? (current < 0 ? first : current + step) : null;
      if (next === null || next === undefined || next < 0 || next >= count) return;
      e.preventDefault();
      show(next);
    });
    element.addEventListener("focus", () => { if (current < 0) show(first); });
    return { out, show };
  }

  function drawHead() {
    const from = instant(data.since), to = instant(data.generated);
    byID("meta").textContent = `${from} to ${to} UTC`;
    const t = data.totals, alarm = data.alarms;
    const worst = ["missed", "failed", "unreceived", "invalid", "unread"].filter((k) => alarm[k] > 0);
    const words = { missed: "not prepared in time", failed: "failed", unreceived: "not received", invalid: "invalid",
      unread: "unreadable" };
    const nouns = { missed: "entry", failed: "entry", unreceived: "entry", invalid: "manifest", unread: "repository" };
    const many = { missed: "entries", failed: "entries", unreceived: "entries", invalid: "manifests",
      unread: "repositories" };
    const said = worst.map((k) => `${plural(alarm[k], nouns[k], many[k])} ${words[k]}`);
    const state = { missed: "missed", failed: "failed", unreceived: "prepared", invalid: "invalid",
      unread: "unknown" }[worst[0]] || "executed";
    byID("verdict").classList.add(state);
    byID("verdict").append(icon(state), h("div", {},
      h("strong", {}, said.length ? said.join(", ") : !t.enabled ? "Nothing is scheduled"
        : data.incomplete ? "Everything on time, as far as could be read" : "Everything on time"),
      h("span", { class: "muted" }, said.length ? "Latest periods of each entry. Filter the table below by state."
        : t.enabled ? "Every latest period has a receipt, or is within its grace."
          : "No manifest of this roster has an enabled entry.")));
  }

  // tile shows a number, and how it changed between the two halves of the window.
  function tile(id, title, value, note, series) {
    const points = series && series.length > 1 ? spark(series) : null;
    return h("div", { class: "tile" }, h("dt", {}, title),
      h("dd", { class: "number", id: "total-" + id }, value), h("dd", { class: "trend" }, points),
      h("dd", { class: "note" }, note));
  }
  function spark(series) {
    const top = Math.max(1e-9, ...series.map((v) => v ?? 0));
    const d = [];
    series.forEach((v, i) => {
      if (v !== null) d.push(`${d.length ? "L" : "M"}${i / (series.length - 1) * 100} ${24 - v / top * 21}`);
    });
    return s("svg", { viewBox: "0 0 100 26", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("path", { class: "spark", d: d.join("") }));
  }
  function drawTotals() {
    const t = data.totals, days = data.days.map(([start, ...counts]) => ({ start, counts }));
    const middle = Math.floor(days.length / 2), early = days.slice(0, middle), late = days.slice(middle);
    const change = (states) => {
      const before = sum(early, states), after = sum(late, states);
      return before === after ? `${number(before)} in each half`
        : `first half ${number(before)}, second ${number(after)}`;
    };
    const rate = (states, of, list) => percent(sum(list, states), sum(list, of));
    const rateNote = (states, of) => sum(early, of)
      ? `first half ${rate(states, of, early)}, second ${rate(states, of, late)}` : "in the window";
    const ratio = (states, of) => days.map((d) => sum([d], of) ? sum([d], states) / sum([d], of) : null);
    byID("totals").append(
      tile("repositories", "Repositories", number(t.repositories),
        `${number(t.scanned)} scanned, ${number(t.invalid)} invalid`),
      tile("enabled", "Enabled entries", number(t.enabled), `of ${number(t.entries)}`),
      tile("delivered", "Prepared", rate(DELIVERED, DECIDED, days), rateNote(DELIVERED, DECIDED),
        ratio(DELIVERED, DECIDED)),
      tile("success", "Successful runs", rate(["executed"], RESULT, days), rateNote(["executed"], RESULT),
        ratio(["executed"], RESULT)),
      tile("missed", "Missed", number(sum(days, ["missed"])), change(["missed"]),
        days.map((d) => sum([d], ["missed"]))),
      tile("failed", "Failed", number(sum(days, ["failed"])), change(["failed"]),
        days.map((d) => sum([d], ["failed"]))),
      tile("overdue", "Overdue", number(sum(days, ["overdue"])), "the slot and the grace have passed"),
      tile("unreceived", "Unreceived", data.acknowledged ? number(data.flags.unreceived || 0) : "–",
        data.acknowledged ? `${number(data.flags.duplicate || 0)} duplicate` : "no acknowledgements were read"));
  }

  const HISTORY = ["executed", "received", "prepared", "due", "unknown", "overdue", "failed", "missed"];
  function drawHistory() {
    const days = data.days.map(([start, ...counts]) => ({ start, counts }));
    const shown = HISTORY.filter((x) => sum(days, [x]) > 0);
    if (!shown.length) {
      byID("history").append(h("p", { class: "empty" }, "No period of the window has begun."));
      return;
    }
    byID("history-key").append(...shown.map((x) => h("li", { class: x }, h("span", { class: "swatch" }), x)));
    const width = Math.max(280, byID("history").clientWidth), height = 190, base = 168, left = 34;
    const top = Math.max(...days.map((d) => sum([d], shown)));
    const step = (width - left) / days.length, scale = (base - 8) / top;
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const tick = Math.max(1, Math.ceil(top / 3));
    for (let n = 0; n <= top; n += tick) {
      svg.append(s("line", { class: "rule", x1: left, x2: width, y1: base - n * scale, y2: base - n * scale }),
        s("text", { class: "axis", x: left - 8, y: base - n * scale + 4, "text-anchor": "end" }, number(n)));
    }
    const mark = s("rect", { class: "picked", y: 4, height: base - 4, width: step, visibility: "hidden" });
    svg.append(mark);
    days.forEach((d, i) => {
      let y = base;
      for (const x of shown) {
        const size = d.counts[at(x)] * scale;
        if (!size) continue;
        y -= size;
        svg.append(s("rect", { class: "bar " + x, x: left + i * step + step * .14, width: Math.max(1, step * .72), y,
          height: Math.max(.5, size - .6) }));
      }
      if (i % Math.ceil(days.length / (width / 90)) === 0) {
        svg.append(s("text", { class: "axis", x: left + (i + .5) * step, y: height - 4, "text-anchor": "middle" },
          day(d.start).slice(4)));
      }
    });
    const say = (i) => [h("b", {}, day(days[i].start)), ": ",
      shown.filter((x) => days[i].counts[at(x)]).map((x) => `${number(days[i].counts[at(x)])} ${x}`).join(", ")
        || "no period"];
    const totals = shown.map((x) => `${sum(days, [x])} ${x}`).join(", ");
    const plot = h("div", { class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart",
      "aria-label": `Periods by day: ${totals}. Arrow keys read single days.` }, svg);
    const { out, show } = readable(plot, days.length, (i) => {
      mark.setAttribute("x", left + i * step);
      mark.setAttribute("visibility", "visible");
    }, say);
    plot.addEventListener("pointermove", (e) => {
      const box = svg.getBoundingClientRect();
      show(Math.floor(((e.clientX - box.left) / box.width * width - left) / step));
    });
    byID("history").append(plot, out);
  }

  function drawLoad() {
    const load = data.load, top = Math.max(0, ...load.cells.map((c) => c[1]));
    if (!top) {
      byID("load").append(h("p", { class: "empty" }, "No slot in the next seven days."));
      byID("load-key").remove();
      return;
    }
    const byCell = new Map(load.cells.map((c) => [c[0], c]));
    const level = (n) => n ? Math.max(1, Math.ceil(n / top * 5)) : 0;
    byID("load-key").append(
      h("span", { class: "pair" }, "0", h("span", { class: "scale", "aria-hidden": "true" },
        [0, 1, 2, 3, 4, 5].map((n) => h("i", { class: "l" + n }))), `${number(top)} an hour`),
      h("span", { class: "pair" }, h("span", { class: "dot", "aria-hidden": "true" }),
        `${number(load.crowd)} or more in one minute`));
    const head = h("tr", {}, h("td", { role: "presentation" }),
      [...Array(24).keys()].map((n) => h("th", { scope: "col" }, two(n))));
    const cells = [];
    const body = [...Array(7).keys()].map((d) => h("tr", {}, h("th", { scope: "row" }, day(load.start + d * 86400)),
      [...Array(24).keys()].map((n) => {
        const [, count, busiest] = byCell.get(d * 24 + n) || [0, 0, 0];
        const cell = h("td", { class: `l${level(count)}${busiest >= load.crowd ? " shared" : ""}`, tabindex: "-1" },
          count ? number(count) : "");
        cells.push(cell);
        return cell;
      })));
    cells[0].tabIndex = 0;
    const grid = h("table", { class: "heat", role: "grid",
      "aria-label": "Runs by day and hour, UTC. Arrow keys read single hours." },
      h("thead", {}, head), h("tbody", {}, body));
    const say = (i) => {
      const [, count, busiest, minute] = byCell.get(i) || [i, 0, 0, 0];
      const hour = i % 24;
      const date = day(load.start + Math.floor(i / 24) * 86400);
      return [h("b", {}, `${date}, ${two(hour)}:00–${two(hour)}:59 UTC`), ": ",
        count ? `${plural(count, "run")}; busiest minute ${two(hour)}:${two(minute)} with ${number(busiest)}`
          : "no run"];
    };
    let current = 0;
    const { out, show } = readable(grid, cells.length, (i) => {
      cells[current].tabIndex = -1;
      current = i;
      cells[i].tabIndex = 0;
      if (grid.contains(document.activeElement)) cells[i].focus();
    }, say, 24);
    grid.addEventListener("focusin", (e) => { if (cells.includes(e.target)) show(cells.indexOf(e.target)); });
    grid.addEventListener("pointerover", (e) => {
      const i = cells.indexOf(e.target);
      if (i >= 0) out.replaceChildren(...say(i));
    });
    byID("load").append(h("div", { class: "scroll-x" }, grid), out);
  }

  // The bins of an agent are [succeeded, failed, quality sum, quality count, seconds sum, seconds count].
  const SHOWN_AGENTS = 12;
  function drawAgents() {
    if (!data.agents.length) {
      byID("agents").append(h("p", { class: "empty" },
        "No execution is known yet. Results come from started runs and from what agents record."));
      return;
    }
    const list = h("div", { class: "multiples" }, data.agents.slice(0, SHOWN_AGENTS).map(multiple));
    byID("agents").append(list);
    const rest = data.agents.length - SHOWN_AGENTS;
    if (rest > 0) {
      const more = h("button", { type: "button", class: "button", onclick: () => {
        list.append(...data.agents.slice(SHOWN_AGENTS).map(multiple));
        more.remove();
      } }, `Show ${number(rest)} more`);
      byID("agents").append(h("p", {}, more));
    }
  }
  function multiple(agent) {
    const width = 260, height = 74, bins = agent.bins;
    const total = bins.reduce((t, b) => t.map((v, i) => v + b[i]), [0, 0, 0, 0, 0, 0]);
    const value = {
      success: (b) => b[0] + b[1] ? b[0] / (b[0] + b[1]) : null,
      quality: (b) => b[3] ? b[2] / b[3] : null,
      seconds: (b) => b[5] ? b[4] / b[5] : null,
    };
    const longest = Math.max(1e-9, ...bins.map((b) => value.seconds(b) ?? 0));
    const curve = (name) => {
      let d = "", points = 0;
      bins.forEach((b, i) => {
        let v = value[name](b);
        if (v === null) return;
        if (name === "seconds") v = v / longest * .9;
        const x = (bins.length > 1 ? i / (bins.length - 1) : .5) * width, y = height - 5 - v * (height - 10);
        d += d ? `L${x} ${y}` : `M${x} ${y}h.01`;
        points++;
      });
      return s("path", { class: `curve ${name}${points === 1 ? " point" : ""}`, d });
    };
    const mark = s("line", { class: "cursor", y1: 0, y2: height, visibility: "hidden" });
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      s("line", { class: "rule", x1: 0, x2: width, y1: height - 5, y2: height - 5 }),
      s("line", { class: "rule", x1: 0, x2: width, y1: 5, y2: 5 }), mark,
      curve("seconds"), curve("quality"), curve("success"));
    const describe = (b) => [
      b[0] + b[1] ? `${percent(b[0], b[0] + b[1])} of ${number(b[0] + b[1])}` : "no run",
      b[3] ? `quality ${(b[2] / b[3]).toFixed(2)}` : "",
      b[5] ? duration(b[4] / b[5]) : "",
    ].filter(Boolean).join(" · ");
    const plot = h("div", { class: "plot", tabindex: "0", role: "group", "aria-roledescription": "chart",
      "aria-label": `${agent.name}: ${describe(total)}. Arrow keys read single spans.` }, svg);
    const latest = bins.findLastIndex((b) => b[0] + b[1]);
    const { out, show } = readable(plot, bins.length, (i) => {
      const x = (bins.length > 1 ? i / (bins.length - 1) : .5) * width;
      mark.setAttribute("x1", x);
      mark.setAttribute("x2", x);
      mark.setAttribute("visibility", "visible");
    }, (i) => [h("b", {}, "from " + day(data.bins[i]).slice(4)), ": ", describe(bins[i])], 0,
    latest < 0 ? bins.length - 1 : latest);
    plot.addEventListener("pointermove", (e) => {
      const box = svg.getBoundingClientRect();
      show(Math.round((e.clientX - box.left) / box.width * (bins.length - 1)));
    });
    return h("article", { class: "multiple" }, h("h3", { title: agent.name }, agent.name),
      h("p", { class: "figures" }, describe(total)), plot, out);
  }

  // The entries. Only the rows in view are in the document.
  const FLAGS = data.flagNames;
  const rows = data.rows.map((r, i) => ({
    i, repository: data.repositories[r[0]], repo: r[0], agent: r[1], cadence: r[2], cron: r[3], zone: r[4], state: r[5],
    next: r[6], delivered: r[7], decided: r[8], flags: r[9], recent: r[10],
  }));
  const LETTERS = data.letters;
  const rank = new Map([...new Set(rows.map((r) => r.agent))].sort().map((name, i) => [name, i]));
  const cadences = ["daily", "weekly", "monthly"];
  const COLUMNS = [
    ["Repository", (r) => r.repo], ["Agent", (r) => rank.get(r.agent)], ["Cadence", (r) => cadences.indexOf(r.cadence)],
    ["State", (r) => -r.state], ["Latest periods", (r) => r.recent.length],
      ["Prepared", (r) => r.decided ? r.delivered / r.decided : 2],
    ["Next, UTC", (r) => r.next || Infinity],
  ];
  let shown = rows, sorted = { column: 3, ascending: true }, active = 0, haystack = null;
  const phone = window.matchMedia("(max-width: 760px)");
  const rowHeight = () => phone.matches ? 92 : 44;

  const strip = (recent) => h("span", { class: "strip", "aria-hidden": "true" },
    [...recent].map((c) => h("i", { class: STATES[LETTERS.indexOf(c)], title: STATES[LETTERS.indexOf(c)] })));
  const flagsOf = (r) => FLAGS.filter((_, i) => r.flags & 1 << i);
  const spoken = (recent) => [...recent].reverse().slice(0, 3).map((c) => STATES[LETTERS.indexOf(c)]).join(", ");

  function drawRow(position) {
    const r = shown[position];
    const cell = (content, css, label) =>
      h("div", { role: "gridcell", class: "cell " + (css || ""), "aria-label": label }, content);
    const element = h("div", { role: "row", class: "row", id: "row-" + r.i, "aria-rowindex": position + 2,
      tabindex: position === active ? "0" : "-1" },
      cell(r.repository[0]), cell(r.agent || "–"), cell(r.cadence || "–"),
      cell([badge(STATES[r.state]), flagsOf(r).map((f) => h("span", { class: "flag" }, f))]),
      cell(strip(r.recent), "", r.recent ? "latest: " + spoken(r.recent) : "no period"),
      cell(r.decided ? percent(r.delivered, r.decided) : "–", "end"), cell(time(r.next), "end"));
    element.dataset.position = position;
    return element;
  }

  function drawRows(focus) {
    const scroller = byID("scroller"), height = rowHeight(), room = scroller.clientHeight || 600;
    const first = Math.max(0, Math.floor(scroller.scrollTop / height) - 6);
    const last = Math.min(shown.length, Math.ceil((scroller.scrollTop + room) / height) + 6);
    const list = byID("rows"), part = document.createDocumentFragment();
    const had = list.contains(document.activeElement);
    for (let i = first; i < last; i++) {
      const row = drawRow(i);
      row.style.transform = `translateY(${i * height}px)`;
      part.append(row);
    }
    list.style.height = shown.length * height + "px";
    list.replaceChildren(part);
    if (focus || had) list.querySelector("[tabindex='0']")?.focus({ preventScroll: true });
  }

  function go(position) {
    const scroller = byID("scroller"), height = rowHeight();
    active = Math.max(0, Math.min(shown.length - 1, position));
    const top = active * height;
    const least = top + height - scroller.clientHeight;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (least > scroller.scrollTop) scroller.scrollTop = least;
    drawRows(true);
  }

  function apply() {
    const words = byID("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const state = byID("state").value, flag = byID("flag").value, cadence = byID("cadence").value,
      agent = byID("agent").value;
    haystack ??= rows.map((r) => [r.repository[0], r.repository[1], r.agent, r.cadence, r.cron, r.zone, STATES[r.state]]
      .join(" ").toLowerCase());
    const bit = flag ? 1 << FLAGS.indexOf(flag) : 0;
    shown = rows.filter((r) => (!state || STATES[r.state] === state) && (!bit || r.flags & bit) &&
      (!cadence || r.cadence === cadence) && (!agent || r.agent === agent) && words.every((w) => haystack[r.i].includes(w)));
    order();
  }
  function order() {
    const key = COLUMNS[sorted.column][1], sign = sorted.ascending ? 1 : -1;
    const keys = new Map(shown.map((r) => [r, key(r)]));
    shown = [...shown].sort((a, b) => {
      const x = keys.get(a), y = keys.get(b);
      return x < y ? -sign : x > y ? sign : a.i - b.i;
    });
    active = 0;
    byID("scroller").scrollTop = 0;
    byID("grid").setAttribute("aria-rowcount", shown.length + 1);
    byID("count").textContent = shown.length === rows.length ? plural(rows.length, "entry", "entries")
      : `${number(shown.length)} of ${plural(rows.length, "entry", "entries")}`;
    byID("none").hidden = shown.length > 0;
    byID("grid").hidden = shown.length === 0;
    byID("none").textContent = rows.length ? "No entry matches. Clear the filters to see all."
      : "The roster has no repository with a manifest.";
    drawRows(false);
  }

  function drawFilters() {
    const options = (id, all, values) => byID(id).append(h("option", { value: "" }, all),
      ...values.map((v) => h("option", { value: v }, v)));
    const present = new Set(rows.map((r) => STATES[r.state]));
    options("state", "all", [...STATES].reverse().filter((x) => present.has(x)));
    options("flag", "all", FLAGS.filter((_, i) => rows.some((r) => r.flags & 1 << i)));
    options("cadence", "all", cadences.filter((c) => rows.some((r) => r.cadence === c)));
    options("agent", "all", [...rank.keys()].filter(Boolean).slice(0, 500));
    byID("columns").append(...COLUMNS.map(([title], i) => h("div", { role: "columnheader", class: i > 4 ? "end" : null,
      "aria-sort": "none" },
      h("button", { type: "button", onclick: () => sortBy(i) }, title))));
    mark();
    byID("filters").addEventListener("submit", (e) => e.preventDefault());
    byID("filters").addEventListener("input", apply);
    byID("filters").addEventListener("reset", () => setTimeout(() => { apply(); byID("search").focus(); }));
  }
  function sortBy(column) {
    sorted = { column, ascending: sorted.column === column ? !sorted.ascending : true };
    mark();
    order();
  }
  function mark() {
    [...byID("columns").children].forEach((c, i) => c.setAttribute("aria-sort", i !== sorted.column ? "none"
      : sorted.ascending ? "ascending" : "descending"));
  }

  function bindTable() {
    const scroller = byID("scroller"), list = byID("rows");
    let waiting = false;
    scroller.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; drawRows(false); });
    });
    new ResizeObserver(() => drawRows(false)).observe(scroller);
    list.addEventListener("click", (e) => {
      const row = e.target.closest("[data-position]");
      if (row) open(Number(row.dataset.position));
    });
    list.addEventListener("keydown", (e) => {
      const page = Math.max(1, Math.floor(scroller.clientHeight / rowHeight()) - 1);
      const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0,
        End: shown.length - 1 }[e.key];
      if (to !== undefined) {
        e.preventDefault();
        go(to);
      } else if (e.key === "Enter" || e.key === " ") {
        e.preventDefault();
        open(active);
      }
    });
    document.addEventListener("keydown", (e) => {
      const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName || "");
      if (e.key === "/" && !typing && !byID("detail").open) {
        e.preventDefault();
        byID("search").focus();
      } else if (e.key === "Escape" && document.activeElement === byID("search")) {
        byID("search").value = "";
        apply();
      }
    });
    // A printer gets the filtered rows, as many as are useful on paper.
    window.addEventListener("beforeprint", () => {
      list.replaceChildren(...shown.slice(0, 1000).map((_, i) => drawRow(i)));
    });
    window.addEventListener("afterprint", () => drawRows(false));
  }

  // The details are most of the page and come last. They are read when the first row is opened.
  let details = null;
  const KINDS = data.kinds;
  const detail = (i) => JSON.parse((details ??= byID("details").textContent.split("\n"))[i]);

  function open(position) {
    const r = shown[position];
    if (!r) return;
    if (document.readyState === "loading") {
      document.addEventListener("DOMContentLoaded", () => open(position), { once: true });
      return;
    }
    active = position;
    const d = detail(r.i), repository = r.repository, dialog = byID("detail");
    const fact = (name, value) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
    const close = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Close");
    dialog.replaceChildren(h("div", { class: "detail" },
      h("div", { class: "title" }, h("div", {},
        h("h2", { id: "detail-title", tabindex: "-1" }, repository[0], r.agent ? " · " + r.agent : ""),
        h("p", {}, badge(STATES[r.state]), flagsOf(r).map((f) => h("span", { class: "flag" }, f)))), close),
      h("dl", { class: "facts" }, fact("Repository", link(repository[2], repository[0])),
        fact("Slug", repository[1] || "–"),
        r.agent ? [fact("Cadence", r.cadence), fact("Cron", h("code", {}, r.cron)), fact("Time zone", r.zone),
          fact("Prepared", r.decided ? `${number(r.delivered)} of ${number(r.decided)} periods` : "–")] : []),
      repository[3] ? h("p", { class: "notice" }, repository[3]) : null,
      d.findings.length ? h("div", {}, h("h3", {}, "Findings in the manifest"),
        h("ul", { class: "plain findings" }, d.findings.map(finding))) : null,
      d.next.length ? h("div", {}, h("h3", {}, "Next"),
        h("ul", { class: "plain next" }, d.next.map(([p, t]) => h("li", {}, time(t), " UTC · ", p)))) : null,
      d.periods.length ? h("div", {}, h("h3", {}, "Periods and evidence"), timeline(d.periods, repository[2]))
        : r.agent ? h("p", { class: "muted" }, "No period of the window has begun.") : null));
    dialog.showModal();
    byID("detail-title").focus();
  }
  const below = (hint) => hint ? [h("br"), h("span", { class: "muted" }, hint)] : null;
  function finding([file, line, column, severity, rule, message, hint]) {
    return h("li", {}, h("code", {}, `${file}:${line}:${column}`), ` ${severity}: ${message}`, below(hint),
      h("span", { class: "muted" }, ` [${rule}]`));
  }
  function timeline(periods, page) {
    return h("table", { class: "timeline" }, h("thead", {}, h("tr", {},
      ["Period", "State", "Evidence"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", {}, periods.map(([period, slot, state, flags, evidence]) => h("tr", {},
        h("td", {}, period, h("br"), h("span", { class: "muted" }, time(slot))),
        h("td", {}, badge(STATES[state]), flagsOf({ flags }).map((f) => h("span", { class: "flag" }, f))),
        h("td", {}, evidence.length ? h("ul", { class: "evidence" }, evidence.map((e) => proof(e, slot, page)))
          : h("span", { class: "muted" }, "none"))))));
  }
  // An address that starts with a slash continues that of the repository. Values at the end may be missing.
  function proof(values, slot, page) {
    const [kind, after, address = "", result = "", by = "", text = "", quality = null, took = null] = values;
    const notes = [result, by, text, quality === null ? "" : `quality ${quality.toFixed(2)}`,
      took === null ? "" : duration(took)].filter(Boolean);
    return h("li", {}, link(address.startsWith("/") ? page + address : address, KINDS[kind]), " ",
      h("span", { class: "muted" }, time(slot + after), notes.length ? " · " + notes.join(" · ") : ""));
  }
  byID("detail").addEventListener("close", () => drawRows(true));
  byID("detail").addEventListener("click", (e) => { if (e.target === byID("detail")) byID("detail").close(); });

  function drawRest() {
    byID("problems").hidden = data.problems.length === 0;
    byID("problem-list").append(...data.problems.map(([repository, message, hint]) => h("li", {},
      repository ? h("strong", {}, repository + ": ") : null, message, below(hint))));
    for (const [word, meaning] of Object.entries(MEANING)) {
      byID("legend").append(h("dt", {}, STATES.includes(word) ? badge(word) : h("span", { class: "flag" }, word)),
        h("dd", {}, meaning));
    }
  }

  drawHead();
  drawTotals();
  drawFilters();
  order();
  bindTable();
  drawHistory();
  drawLoad();
  drawAgents();
  drawRest();
  document.documentElement.dataset.ready = "true";
})();
