// What tests and pictures ask the page, as window.preview.
import { actionLog } from './actions.js';
import { dumpDashboard } from './dump.js';

const QUIET_MS = 250;

export class Probe {
  live;
  actionLog = actionLog;
  errors = [];

  constructor() {
    const note = (reason) => this.errors.push(String(reason?.message ?? reason));
    addEventListener('error', (e) => note(e.error ?? e.message));
    addEventListener('unhandledrejection', (e) => note(e.reason));
  }

  /** Resolves once everything in view is drawn with new data, fonts and icons are in, and nothing moves any more. */
  async settled() {
    await document.fonts.ready;
    let last = performance.now();
    const observer = new MutationObserver(() => (last = performance.now()));
    observer.observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    while (!this.live?.settled || performance.now() - last < QUIET_MS) {
      await new Promise((r) => setTimeout(r, 50));
    }
    observer.disconnect();
  }

  dump() {
    return { ...dumpDashboard(this.live), pageErrors: this.errors, actionLog };
  }
}
