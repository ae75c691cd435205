// A dashboard that is looked at: its variables and the newest data of every panel in view.
import { getDashboard } from './api.js';
import { layoutPanels } from './layout.js';
import { loadPanel } from './query/panel.js';
import { makeTimeRange } from './timerange.js';
import { resolveVariables } from './variables.js';

export class LiveDashboard {
  json; // the dashboard
  context; // {dashboard, range, variables, values, interpolate, variablesForUrl} of the newest refresh
  panels = []; // as laid out
  error; // why it couldn't be refreshed
  busy = true;
  #uid;
  #width;
  #address;
  #run = 0; // number of the newest refresh, and of that which made the context
  #contextRun = 0;
  #entries = new Map(); // panel key -> {run, state, loading}
  #inView = new Set();
  #listeners = new Set();
  #version = 0;

  constructor(uid, width) {
    this.#uid = uid;
    this.#width = width;
  }

  subscribe = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  version = () => this.#version;

  #changed() {
    this.#version += 1;
    this.#listeners.forEach((listener) => listener());
  }

  state(key) {
    return this.#entries.get(key)?.state;
  }

  get states() {
    return this.panels.map((p) => this.state(p.key)).filter(Boolean);
  }

  get width() {
    return this.#width;
  }

  set width(width) {
    this.#width = width;
    this.#layOut();
    this.#changed();
  }

  #layOut() {
    this.panels = this.json ? layoutPanels(this.json, this.#width) : [];
  }

  /** Shows the range and variables of *address*; what is shown stays until the new is there. */
  show(address) {
    this.#address = address;
    return this.refresh();
  }

  async refresh() {
    const run = ++this.#run;
    this.busy = true;
    try {
      await this.#prepare(run);
      if (run === this.#run) {
        this.error = undefined;
        this.#changed(); // panels that are seen for the first time say so now
        await Promise.all(this.panels.filter((p) => this.#inView.has(p.key)).map((p) => this.#load(p)));
      }
    } catch (err) {
      this.error = err.message;
    }
    if (run === this.#run) {
      this.busy = false;
      this.#changed();
    }
  }

  async #prepare(run) {
    if (!this.json) {
      this.json = await getDashboard(this.#uid);
      this.#layOut();
    }
    const { from, to, vars } = this.#address;
    const { time } = this.json;
    const range = from ? makeTimeRange(from, to) : makeTimeRange(time.from, time.to);
    const resolved = await resolveVariables(this.json, range, vars);
    if (run === this.#run) {
      this.context = { dashboard: this.json, range, ...resolved };
      this.#contextRun = run;
    }
  }

  /** A panel came into view, or left it. */
  look = (panel, seen) => {
    if (seen) {
      this.#inView.add(panel.key);
      this.#load(panel);
    } else {
      this.#inView.delete(panel.key);
    }
  };

  #load(panel) {
    const run = this.#contextRun;
    const before = this.#entries.get(panel.key);
    if (before?.run === run) {
      return before?.loading;
    }
    const entry = { run, state: before?.state };
    entry.loading = loadPanel(panel, this.context, before?.state).then((state) => {
      if (this.#entries.get(panel.key) === entry) {
        entry.state = state;
        entry.loaded = true;
        this.#changed();
      }
    });
    this.#entries.set(panel.key, entry);
    return entry.loading;
  }

  /** Whether all that is in view is as new as the newest refresh. */
  get settled() {
    const current = (key) => this.#entries.get(key)?.run === this.#contextRun && this.#entries.get(key).loaded;
    const seen = this.panels.filter((p) => this.#inView.has(p.key));
    return !this.busy && seen.length > 0 && seen.every((p) => current(p.key));
  }
}
