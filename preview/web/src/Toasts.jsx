import { Alert } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { onAction } from './actions.js';

const SHOWN_MS = 8000;

/** What the control API said: a row of its log, or problem details. */
function words({ response, error }) {
  try {
    const { note, steps, detail, title } = JSON.parse(response.body);
    return note ?? steps?.map((s) => `${s.done}: ${s.changed}`).join(', ') ?? detail ?? title;
  } catch {
    return error;
  }
}

export function Toasts() {
  const [items, setItems] = useState([]);
  const remove = (entry) => setItems((list) => list.filter((one) => one !== entry));
  useEffect(
    () =>
      onAction((entry) => {
        setItems((list) => [...list, entry]);
        setTimeout(() => remove(entry), SHOWN_MS);
      }),
    []
  );
  return (
    <div style={{ position: 'fixed', top: 16, right: 16, width: 420, zIndex: 2000 }}>
      {items.map((entry) => {
        const ok = entry.response?.ok;
        return (
          <Alert
            key={entry.request.body ?? entry.title}
            elevated
            severity={ok ? 'success' : 'error'}
            title={`${entry.title}: ${ok ? 'done' : `refused${entry.response ? ` (${entry.response.status})` : ''}`}`}
            onRemove={() => remove(entry)}
          >
            {words(entry)}
          </Alert>
        );
      })}
    </div>
  );
}
