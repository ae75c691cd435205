import { memo, useEffect, useRef } from 'react';
import { toPixels } from './layout.js';
import { PanelView } from './PanelView.jsx';

const MARGIN = '200px'; // what is about to be scrolled to is queried, too

/** Says when it comes into view and when it leaves, so that only panels which are looked at are queried. */
const Cell = memo(function Cell({ panel, state, rect, onLook }) {
  const element = useRef();
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => onLook(panel, entry.isIntersecting), { rootMargin: MARGIN });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [panel, onLook]);
  return (
    <div
      ref={element}
      data-panel-key={panel.key}
      data-panel-title={state?.title}
      style={{ position: 'absolute', ...rect }}
    >
      <PanelView panel={panel} state={state} rect={rect} />
    </div>
  );
}, (a, b) => a.panel === b.panel && a.state === b.state);

export function Grid({ live, width }) {
  const rects = toPixels(live.panels, width);
  const height = Math.max(0, ...rects.map((r) => r.top + r.height));
  return (
    <div style={{ position: 'relative', height }}>
      {live.panels.map((panel, i) => (
        <Cell key={panel.key} panel={panel} state={live.state(panel.key)} rect={rects[i]} onLook={live.look} />
      ))}
    </div>
  );
}
