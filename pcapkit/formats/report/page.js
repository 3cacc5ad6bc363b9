"use strict";
(() => {
  const PAGE = 50, PRINTED = 40, FEW = 5;
  const find = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const count = n => n.toLocaleString("en");
  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };
  const later = (work, wait = 120) => {
    let timer;
    return () => { clearTimeout(timer); timer = setTimeout(work, wait); };
  };

  /* Text into an element, what was searched for marked. It only ever becomes text. */
  const fill = (element, text, term) => {
    element.textContent = "";
    let at = 0;
    const lower = term ? text.toLowerCase() : "";
    for (let hit; term && lower.length === text.length && (hit = lower.indexOf(term, at)) >= 0; at = hit + term.length)
      element.append(text.slice(at, hit), make("mark", {}, text.slice(hit, hit + term.length)));
    element.append(text.slice(at));
    return element;
  };

  /* A table: its rows are columns of JSON, read when they are first needed; a page of them is shown at a time. */
  class Grid {
    constructor(root) {
      this.root = root;
      this.name = root.dataset.table;
      this.body = find("tbody", root);
      this.local = find(".tools input", root);
      this.choice = find(".tools select", root);
      this.start = 0;
      this.sorted = null;
      this.everywhere = "";
      this.open = new Set();
      const data = find("script", root);
      this.read = () => JSON.parse(data.textContent);
      all("thead th", root).slice(1).forEach((head, column) => {
        const button = make("button", {type: "button", textContent: head.textContent});
        button.addEventListener("click", () => this.sort(column));
        head.replaceChildren(button);
        head.setAttribute("aria-sort", "none");
        this.choice.append(make("option", {value: column, textContent: button.textContent}));
      });
      this.local.addEventListener("input", later(() => this.refresh()));
      this.choice.addEventListener("change", () => this.refresh());
      all("[data-go]", root).forEach(button => button.addEventListener("click", () => this.go(button.dataset.go)));
      find(".tools", root).hidden = Number(root.dataset.total) <= FEW;
      find(".pager", root).hidden = this.body.rows.length >= Number(root.dataset.total);
      /* What stands here already gets its buttons; the data is not read for that. */
      [...this.body.rows].forEach((row, i) => row.cells[0].append(this.toggle(i)));
    }
    load() {
      if (this.columns) return;
      const {names, numbers, shown, parts} = this.read();
      this.names = names; this.numbers = numbers; this.shown = shown;
      this.columns = names.map(() => []);
      this.total = 0;
      for (const [rows, ...columns] of parts) {
        columns.forEach((values, at) => {
          const column = this.columns[at];
          for (let i = 0; i < rows; i++) column.push(Array.isArray(values) ? values[i] : values.all);
        });
        this.total += rows;
      }
      this.order = [...Array(this.total).keys()];
    }
    text(column, row) {
      const value = this.columns[column][row];
      return value === null ? "" : typeof value === "number" ? String(value) : value;
    }
    words(row) {
      this.lower ??= [];
      return this.lower[row] ??= this.columns.map((_, column) => this.text(column, row)).join("\n").toLowerCase();
    }
    refresh() {
      this.load();
      const here = this.local.value.trim().toLowerCase(), column = Number(this.choice.value), there = this.everywhere;
      this.term = here || there;
      const keep = row => (!there || this.words(row).includes(there)) &&
        (!here || (column < 0 ? this.words(row) : this.text(column, row).toLowerCase()).includes(here));
      this.order = [...Array(this.total).keys()];
      if (here || there) this.order = this.order.filter(keep);
      if (this.sorted) {
        const [at, down] = this.sorted, values = this.columns[at], sign = down ? -1 : 1;
        const compare = (a, b) => a < b ? -1 : a > b ? 1 : 0;
        this.order.sort((a, b) => {
          const one = values[a], other = values[b];
          if (one === null || other === null) return one === other ? a - b : one === null ? 1 : -1;
          return sign * compare(one, other) || a - b;
        });
      }
      this.start = 0;
      this.show();
      find(".tools output", this.root).textContent = here || there ? `${count(this.order.length)} of ${count(this.total)} rows` : "";
      return this.order.length;
    }
    sort(column) {
      this.sorted = this.sorted?.[0] === column ? (this.sorted[1] ? null : [column, true]) : [column, false];
      all("thead th", this.root).slice(1).forEach((head, at) => head.setAttribute(
        "aria-sort", this.sorted?.[0] !== at ? "none" : this.sorted[1] ? "descending" : "ascending"));
      this.refresh();
    }
    go(where) {
      this.load();
      const last = Math.max(0, Math.floor((this.order.length - 1) / PAGE) * PAGE);
      this.start = {first: 0, back: Math.max(0, this.start - PAGE), on: Math.min(last, this.start + PAGE), last}[where];
      this.show();
    }
    show() {
      const rows = this.order.slice(this.start, this.start + PAGE);
      this.body.replaceChildren(...rows.map(row => this.line(row)));
      for (const row of rows) if (this.open.has(row)) this.unfold(row);
      const stop = this.start + rows.length;
      find(".shown", this.root).textContent = !this.order.length ? "No row has that."
        : `${count(this.start + 1)} to ${count(stop)} of ${count(this.order.length)} rows.`;
      find(".pager", this.root).hidden = this.order.length <= PAGE;
      for (const button of all("[data-go]", this.root))
        button.disabled = "first back".includes(button.dataset.go) ? !this.start : stop >= this.order.length;
    }
    line(row) {
      const line = make("tr", {}, make("td", {}, this.toggle(row)));
      for (let column = 0; column < this.shown; column++)
        line.append(fill(make("td", {className: this.numbers[column] ? "number" : ""}), this.text(column, row), this.term));
      return line;
    }
    toggle(row) {
      const button = make("button", {type: "button", className: "more", ariaLabel: "All that is known of this row"});
      button.dataset.row = row;
      button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => {
        this.load();
        if (this.open.delete(row)) {
          button.setAttribute("aria-expanded", "false");
          button.closest("tr").nextElementSibling.remove();
        } else this.unfold(row);
      });
      return button;
    }
    unfold(row) {
      this.open.add(row);
      const button = find(`button[data-row="${row}"]`, this.body), list = make("dl");
      button.setAttribute("aria-expanded", "true");
      this.names.forEach((name, column) => {
        const text = this.text(column, row);
        if (text !== "") list.append(make("dt", {textContent: name}), fill(make("dd"), text, this.term));
      });
      const cell = make("td", {colSpan: this.shown + 1}, list);
      button.closest("tr").after(make("tr", {className: "details"}, cell));
    }
  }

  const grids = all(".grid").map(root => new Grid(root));
  const findings = all(".finding");
  const texts = all(".letter, .chain, .ladder, .tree > ul > li");
  const search = find("#search");
  const chips = all("#findings .chip input");
  for (const hidden of all(".search, .actions, #findings > .tools")) hidden.hidden = false;

  /* Findings: by severity and by what is searched for. */
  const sift = term => {
    const wanted = new Set(chips.filter(chip => chip.checked).map(chip => chip.value));
    let left = 0;
    for (const finding of findings) {
      finding.hidden = !wanted.has(finding.dataset.severity) || !!term && !finding.textContent.toLowerCase().includes(term);
      left += !finding.hidden;
    }
    const output = find("#findings > .tools output");
    if (output) output.textContent = left < findings.length ? `${left} of ${findings.length} shown` : "";
    return left;
  };
  const totals = new Map(all("nav .n").map(element => [element.dataset.of, element.textContent]));
  const everything = () => {
    const term = search.value.trim().toLowerCase();
    const hits = new Map([["findings", sift(term)]]);
    for (const text of texts) text.hidden = !!term && !text.textContent.toLowerCase().includes(term);
    for (const grid of grids) {
      if (!term && !grid.everywhere) continue;
      grid.everywhere = term;
      const section = grid.root.closest("section").id;
      hits.set(section, (hits.get(section) ?? 0) + grid.refresh());
    }
    for (const element of all("nav .n")) {
      const name = element.dataset.of;
      element.textContent = term && hits.has(name) ? `${count(hits.get(name))} / ${totals.get(name)}` : totals.get(name);
      element.classList.toggle("none", !!term && hits.get(name) === 0);
    }
  };
  search.addEventListener("input", later(everything));
  for (const chip of chips) chip.addEventListener("change", () => sift(search.value.trim().toLowerCase()));
  document.addEventListener("keydown", event => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); search.focus(); search.select(); }
    if (event.key === "Escape" && document.activeElement === search) { search.value = ""; everything(); search.blur(); }
  });

  const expand = find("#expand");
  expand?.addEventListener("click", () => {
    const open = expand.getAttribute("aria-expanded") !== "true";
    for (const finding of findings) finding.open = open;
    expand.setAttribute("aria-expanded", String(open));
    expand.textContent = open ? "Collapse all" : "Expand all";
  });

  /* A link to a finding opens it. */
  const reveal = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target instanceof HTMLDetailsElement) { target.hidden = false; target.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", reveal);
  reveal();

  const theme = find("#theme"), dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const tell = () => { theme.textContent = isDark() ? "Light" : "Dark"; theme.setAttribute("aria-pressed", String(isDark())); };
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = isDark() ? "light" : "dark"; tell(); });
  dark.addEventListener("change", tell);
  tell();

  for (const button of all(".copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const code = button.previousElementSibling;
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(code);
        button.textContent = "selected";
      }
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }

  /* What holds today is for the reader's clock to say. */
  const today = new Date().toISOString().slice(0, 10);
  for (const element of all(".today"))
    element.textContent = ` By this computer's clock, ${today}, ` + (today > element.dataset.until ? "they are over."
      : today < element.dataset.from ? "they have not begun." : "they still hold.");

  /* On paper everything is open, and nothing can be clicked. */
  let before = [];
  find("#print").addEventListener("click", () => print());
  addEventListener("beforeprint", () => {
    before = all("details:not([open])").slice(0, PRINTED);
    for (const details of before) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of before) details.open = false; });

  const links = new Map(all("nav a").map(link => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver(seen => {
    for (const {target, isIntersecting} of seen) links.get(target.id)?.classList.toggle("here", isIntersecting);
  }, {rootMargin: "-20% 0px -70% 0px"});
  for (const section of all("main > section")) watch.observe(section);
})();
